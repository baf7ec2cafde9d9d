"""After a crash: files and rows are made to agree, and nothing acknowledged is lost.

A file longer than its row holds bytes that were never acknowledged: they are cut off.
A shorter one lost acknowledged bytes: it is marked damaged and never served. A file
without a row is moved to quarantine, and only when it is a day old, because a row is
written after its file.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from sarau.catalog import Database, uploads
from sarau.errors import FailedCode, RefusedError
from sarau.intake.appender import lock
from sarau.intake.ending import end
from sarau.model.clock import now
from sarau.model.ids import UploadId
from sarau.model.lifecycle import TrackState, UploadState
from sarau.model.upload import Upload
from sarau.storage import durable

if TYPE_CHECKING:
    from sarau.intake.intake import Intake

log = logging.getLogger(__name__)

_ORPHAN_AGE = timedelta(hours=24)
_MOST_ORPHANS = 1000
_GONE = frozenset({UploadState.STORED, UploadState.DISCARDED})


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """What recovery found, each a number of uploads or files."""

    truncated: int
    damaged: int
    removed: int
    """Files of uploads that had been stored or discarded before the crash."""
    quarantined: int


def fit(fd: int, offset_bytes: int) -> bool:
    """Cut a file to what was acknowledged; False when it is shorter than that."""
    with durable.translated():
        size = os.fstat(fd).st_size
        if size > offset_bytes:
            os.ftruncate(fd, offset_bytes)
    return size >= offset_bytes


def recover(intake: "Intake", database: Database, *, quarantine: bool = True) -> RecoveryReport:
    """Go through all rows and all files once; other requests and processes may be at work.

    Args:
        intake: Whose files.
        database: The catalog.
        quarantine: False while the clock cannot be trusted to tell a file's age.

    Raises:
        FailedError: `volume_missing`, `volume_mismatch`, `disk_error`, `database_unavailable`;
            what was not looked at by then stays as it is.

    """
    intake.volume.require()
    truncated = damaged = 0
    for upload in _all(database, UploadState.RECEIVING, UploadState.RECEIVED):
        verdict = _examine(intake, database, upload)
        truncated += verdict == "truncated"
        if verdict == "damaged":
            damaged += _mark_damaged(database, upload)
    removed, quarantined = _sweep(intake, database, _MOST_ORPHANS if quarantine else 0)
    report = RecoveryReport(truncated, damaged, removed, quarantined)
    level = logging.INFO if any(astuple(report)) else logging.DEBUG
    log.log(level, "intake recovered: %s", report)
    return report


def _all(database: Database, *states: UploadState) -> Iterator[Upload]:
    after = ""
    while True:
        with database.read() as connection:
            page = uploads.in_state(connection, *states, after=after)
        yield from page
        if not page:
            return
        after = page[-1].id


def _examine(intake: "Intake", database: Database, upload: Upload) -> str:
    path = intake.files.of(upload.id)
    try:
        with durable.translated():
            try:
                fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                # Of a disk that was unmounted meanwhile nothing is lost.
                intake.volume.require_own()
                return "damaged"
        try:
            if os.fstat(fd).st_size == upload.offset_bytes:
                return "whole"
            lock(fd)
            # Before the lock was ours another process may have acknowledged more, and
            # to cut the file to what the row said then would lose it.
            with database.read() as connection:
                newest = uploads.get(connection, upload.id, settled=True)
            if newest.state is not upload.state or newest.offset_bytes != upload.offset_bytes:
                return "moved"
            return "truncated" if fit(fd, upload.offset_bytes) else "damaged"
        finally:
            os.close(fd)
    except RefusedError:
        return "held"  # another process is receiving it right now


def _mark_damaged(database: Database, upload: Upload) -> bool:
    with database.write() as connection:
        newest = uploads.get(connection, upload.id, settled=True)
        if newest.state is not upload.state or newest.offset_bytes != upload.offset_bytes:
            return False  # it went on while we looked
        log.error("upload %s lost acknowledged bytes", upload.id)
        end(
            connection,
            newest,
            UploadState.DAMAGED,
            TrackState.FAILED,
            code=FailedCode.SOURCE_DAMAGED,
        )
    return True


def _sweep(intake: "Intake", database: Database, most: int) -> tuple[int, int]:
    removed = quarantined = 0
    with durable.translated(), os.scandir(intake.volume.path("uploads")) as entries:
        names = (UploadId(entry.name) for entry in entries)
        while ids := list(islice(names, 500)):
            with database.read() as connection:
                states = uploads.states_of(connection, ids)
            for upload_id in ids:
                if states.get(upload_id) in _GONE:
                    intake.remove_file(upload_id)
                    removed += 1
            strangers = (intake.files.of(one) for one in ids if one not in states)
            quarantined += _quarantine(intake, strangers, most - quarantined)
    return removed, quarantined


def _quarantine(intake: "Intake", paths: Iterator[Path], most: int) -> int:
    old = (path for path in paths if _age(path) > _ORPHAN_AGE)
    moved = 0
    for path in islice(old, most):
        durable.make_dirs(intake.volume.path("quarantine"))
        durable.replace(path, intake.volume.path("quarantine", path.name))
        log.warning("a file without an upload went to quarantine: %s", path.name)
        moved += 1
    return moved


def _age(path: Path) -> timedelta:
    try:
        changed_s = path.stat().st_mtime
    except FileNotFoundError:
        return timedelta()
    return timedelta(seconds=now().timestamp() - changed_s)
