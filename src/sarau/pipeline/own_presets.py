"""The owner's presets, kept in the catalog and told to the function, which has no catalog."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from sarau.catalog import Database, presets
from sarau.errors import SarauError
from sarau.landing import PublishedPresets
from sarau.model.ids import LOCAL_USER_ID
from sarau.model.preset import Preset

_logger = logging.getLogger(__name__)


class OwnPresets:
    """Lets presets be changed, and publishes those of the owner of landings. Thread-safe.

    Args:
        database: The catalog's.
        published: Where the function finds them; None where there is no function.

    """

    def __init__(self, database: Database, published: PublishedPresets | None) -> None:
        self._database = database
        self._published = published
        self._changed = threading.Event()

    @contextmanager
    def changing(self) -> Iterator[sa.Connection]:
        """Open a transaction as `Database.write` does; what it commits is to be published.

        By whoever goes round, or by `tell`: a change that is committed does not wait for S3.
        """
        with self._database.write() as connection:
            yield connection
        self._changed.set()

    def publish_changed(self) -> None:
        """Publish what was changed by this process since the last time; raises as `publish`."""
        if self._changed.is_set():
            self._changed.clear()
            self.publish()

    def tell(self) -> None:
        """Publish, or say that it happens later: for who ends before anybody goes round."""
        try:
            self.publish()
        except SarauError as error:
            _logger.warning("the function is told of presets later: %s", error)

    def publish(self) -> None:
        """See to it that the function knows the presets as they are now.

        Raises:
            FailedError: `database_unavailable`, those of `PublishedPresets.publish`.
            RefusedError: `invalid_preset`, of one that this version cannot make.

        """
        if self._published is not None:
            self._published.publish(self._own)

    def _own(self) -> list[Preset]:
        with self._database.read() as connection:
            return presets.own(connection, LOCAL_USER_ID)
