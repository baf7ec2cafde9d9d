"""The owner's presets, kept in the catalog and told to the function, which has no catalog."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from sarau.catalog import Database, presets
from sarau.errors import FailedError
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

    @contextmanager
    def changing(self) -> Iterator[sa.Connection]:
        """Open a transaction as `Database.write` does; what it commits is published."""
        with self._database.write() as connection:
            yield connection
        try:
            self.publish()
        except FailedError as error:
            _logger.warning("the function is told of presets later: %s", error)

    def publish(self) -> None:
        """See to it that the function knows the presets as they are now.

        Raises:
            FailedError: `database_unavailable`, those of `PublishedPresets.publish`.

        """
        if self._published is not None:
            self._published.publish(self._own)

    def _own(self) -> list[Preset]:
        with self._database.read() as connection:
            return presets.own(connection, LOCAL_USER_ID)
