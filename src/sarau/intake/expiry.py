"""Expiry of uploads that nobody continues."""

import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from sarau.catalog import Database, uploads
from sarau.errors import RefusedError
from sarau.intake.ending import end
from sarau.model.clock import now
from sarau.model.lifecycle import TrackState, UploadState
from sarau.model.upload import Upload

if TYPE_CHECKING:
    from sarau.intake.intake import Intake

log = logging.getLogger(__name__)

_LARGEST_DRIFT = timedelta(hours=1)


class ClockGuard:
    """Notices a wall clock that was set while the process ran.

    A clock that jumps ahead would expire every upload at once. The time since boot,
    which nobody can set, says how far the clock may have moved.
    """

    def __init__(self) -> None:
        self._wall = now()
        self._since_boot_s = time.clock_gettime(time.CLOCK_BOOTTIME)

    def is_sane(self) -> bool:
        """Tell whether the wall clock advanced like the time since boot did."""
        passed = timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME) - self._since_boot_s)
        return abs(now() - self._wall - passed) < _LARGEST_DRIFT


def expire_due(intake: "Intake", database: Database, guard: ClockGuard) -> int:
    """Expire what is due and not being appended to right now; return how many uploads."""
    if not guard.is_sane():
        log.error("the clock jumped: no upload is expired before a restart")
        return 0
    with database.read() as connection:
        due = uploads.expired(connection, now())
    return sum(_expire(intake, database, upload) for upload in due)


def _expire(intake: "Intake", database: Database, upload: Upload) -> bool:
    if intake.files.is_held(upload.id):
        return False
    try:
        with database.write() as connection:
            end(connection, upload, UploadState.DISCARDED, TrackState.EXPIRED)
    except RefusedError:
        return False  # somebody continued it after all
    intake.remove_file(upload.id)
    return True
