"""Reading the library through, a little at a time, for ever.

Disks forget. An object that nobody has asked for in a month is read again and hashed;
one that no longer has the bytes of its name, or cannot be read, is recorded while a
snapshot may still have them. It is read again every hour, and once it was restored that
is recorded too.
"""

import logging
from datetime import timedelta

from sarau.catalog import Database, events, object_lock, objects
from sarau.catalog.objects import StoredObject
from sarau.errors import FailedCode, FailedError
from sarau.library import ObjectStore
from sarau.model.clock import now
from sarau.model.ids import LOCAL_USER_ID

_EVERY = timedelta(days=30)
_DAMAGED_EVERY = timedelta(hours=1)
_ROUND_BYTES = 64 << 20
"""Read in one round, so that a scrub is never felt; larger objects take a round each."""
_BATCH = 100
_OF_ONE_OBJECT = frozenset({FailedCode.OBJECT_MISSING, FailedCode.DISK_ERROR})
"""What is wrong with one object, as long as its library is there."""

_logger = logging.getLogger(__name__)


class Scrub:
    """One pass after another; what a pass found is in the record."""

    def __init__(self, database: Database, library: ObjectStore) -> None:
        self._database = database
        self._library = library
        self._read = 0
        self._damaged = 0

    def go_on(self) -> None:
        """Read what is due, up to a round's share; close the pass when nothing is."""
        with self._database.read() as connection:
            due = objects.due(
                connection,
                before=now() - _EVERY,
                damaged_before=now() - _DAMAGED_EVERY,
                limit=_BATCH,
            )
        left_bytes = _ROUND_BYTES
        for one in due:
            if left_bytes <= 0:
                return
            left_bytes -= one.size_bytes
            self._examine(one)
        if not due and self._read:
            with self._database.write() as connection:
                events.record(
                    connection,
                    "library.scrubbed",
                    owner_id=LOCAL_USER_ID,
                    data={"objects": self._read, "damaged": self._damaged},
                )
            self._read = self._damaged = 0

    def _find_wrong(self, sha256: str) -> str | None:
        """Read an object through and say what is wrong with it; None when it is sound.

        Raises:
            FailedError: The library is not there, which says nothing of its objects.

        """
        try:
            return None if self._library.verify(sha256) else "it has other bytes"
        except FailedError as error:
            if error.code not in _OF_ONE_OBJECT:
                raise
            if self._library.check().code not in {None, FailedCode.DISK_FULL}:
                raise
            return str(error)

    def _examine(self, one: StoredObject) -> None:
        wrong = self._find_wrong(one.sha256)
        if wrong is None:
            self._note(one, None)
            return
        with object_lock.referring_at_once(self._database, one.sha256) as is_held:
            # What the collector removes, or has removed since it was found due, is not damaged.
            if is_held and self._is_recorded(one.sha256):
                self._note(one, self._find_wrong(one.sha256))

    def _is_recorded(self, sha256: str) -> bool:
        with self._database.read() as connection:
            return objects.is_recorded(connection, sha256)

    def _note(self, one: StoredObject, wrong: str | None) -> None:
        sound = wrong is None
        self._read += 1
        self._damaged += not sound
        if not sound:
            _logger.error("object %s is damaged: %s", one.sha256, wrong)
        elif one.damaged_at is not None:
            _logger.warning("object %s is sound again", one.sha256)
        with self._database.write() as connection:
            objects.mark_read(connection, one.sha256, sound=sound)
