"""What has to happen now and then: retries, expiry, collection, and looking for strays."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from sarau.catalog import (
    Database,
    fingerprints,
    groups,
    insights,
    likenesses,
    object_lock,
    objects,
    renditions,
    runs,
    sources,
    tallies,
    tracks,
    uploads,
)
from sarau.errors import FailedCode, FailedError, RefusedError, SarauError
from sarau.intake import Intake
from sarau.intake.clamd import Clamd
from sarau.intake.rounds import Rounds, Task, Timetable
from sarau.library import ObjectStore
from sarau.model.clock import now
from sarau.model.ids import RunId
from sarau.model.lifecycle import RunState, TrackState, UploadState
from sarau.model.track import Run
from sarau.pipeline.durable import DurableRuns
from sarau.pipeline.runner import Pipeline, fail
from sarau.pipeline.scrub import Scrub

_EVERY_S = 5.0
_RARELY_S = 60.0
"""For what nobody waits for, and what is dear to look for where there is none."""
_RECOVER_EVERY_S = 3600.0
_OF_PLACES = (
    FailedCode.DISK_FULL,
    FailedCode.DISK_ERROR,
    FailedCode.VOLUME_MISSING,
    FailedCode.VOLUME_MISMATCH,
    FailedCode.LIBRARY_UNAVAILABLE,
    FailedCode.LIBRARY_DENIED,
    FailedCode.DATABASE_UNAVAILABLE,
)
"""Failures of where things are kept: they pass when somebody mends that, however late."""
_RETRIED = (FailedCode.ENGINE_MISSING, FailedCode.WORKER_LOST, FailedCode.OBJECT_MISSING)
"""Failures that may pass, or be the file's own doing: they are tried again a few times.

An object is missing, too, where the collector took one that had long been of no use between
its making and the note that it was made: it is made again.
"""
_MAX_ATTEMPTS = 8
_FIRST_DELAY = timedelta(seconds=15)
_MAX_DELAY = timedelta(hours=1)
_NOTICED = timedelta(minutes=1)
"""After which whoever was at work on a run has noticed that it is over."""
_KEEP_DELETED = timedelta(hours=24)
_KEEP_CHECKPOINTS = timedelta(days=7)
_BATCH = 100
_FORGOTTEN = 1000
_FILLED_IN = 1000
_MOST_RUNNING = 1000
_PAGE = 250
"""Objects looked at in one round: a million of them takes six hours, and is never felt."""

_logger = logging.getLogger(__name__)


class Caretaker:
    """A thread that goes round every few seconds. Several processes may each have one."""

    def __init__(
        self,
        database: Database,
        intake: Intake | None,
        library: ObjectStore,
        pipeline: Pipeline,
        durable: DurableRuns,
        scanner: Clamd | None = None,
    ) -> None:
        self._database = database
        self._intake = intake
        self._library = library
        self._pipeline = pipeline
        self._durable = durable
        self._scanner = scanner
        self._scrub = Scrub(database, library)
        self._seen_until: runs.Place | None = None
        self._retried_until: dict[tuple[FailedCode, ...], runs.Place | None] = {}
        self._collected_until = ""
        self._recovered_at = time.monotonic()
        self._timetable = Timetable(self._tasks())
        self._rounds = Rounds("caretaker", self._go_round, pause_s=_EVERY_S)

    def start(self) -> None:
        """Begin to go round."""
        self._rounds.start()

    def close(self) -> None:
        """Stop after the task at hand."""
        self._rounds.close()

    def _tasks(self) -> dict[Task, float]:
        tasks: dict[Task, float] = {
            self.retry_failed: _EVERY_S,
            self.close_strays: _EVERY_S,
            self.clean_work: _EVERY_S,
            self.collect: _EVERY_S,
            self.fold_tallies: _EVERY_S,
            self.fill_in_search: _RARELY_S,
            self.forget_checkpoints: _RARELY_S,
            self._scrub.go_on: _EVERY_S,
        }
        if self._intake is not None:
            tasks |= {
                self._intake.expire_due: _RARELY_S,
                self.recover_intake: _EVERY_S,
                self.purge_deleted: _EVERY_S,
            }
        return tasks

    def _go_round(self) -> float:
        for task in self._timetable.due():
            try:
                task()
            except SarauError as error:
                _logger.warning("%s: %s", task.__name__, error)
            except Exception:
                # One task's trouble must not keep the others from their turn.
                _logger.exception("%s failed", task.__name__)
        return _EVERY_S

    def recover_intake(self) -> None:
        """Mend once an hour what another process left on D when it was killed."""
        if self._intake is not None and time.monotonic() - self._recovered_at >= _RECOVER_EVERY_S:
            self._recovered_at = time.monotonic()
            self._intake.recover()

    def retry_failed(self) -> None:
        """Start runs again that failed for a reason which may have passed."""
        due = self._due(_RETRIED, max_attempt=_MAX_ATTEMPTS)
        for run in due + self._waiting_for_places() + self._waiting_for_the_scanner():
            with self._database.read() as connection:
                track = tracks.find(connection, run.track_id)
            if track and track.state is TrackState.FAILED and track.run_id == run.id:
                # Another process's caretaker, or a person, may have been faster.
                with suppress(RefusedError):
                    self._pipeline.retry(track.id, track.owner_id, is_bulk=True)

    def _waiting_for_places(self) -> list[Run]:
        """Return what can be tried again: nothing while the library is away or full."""
        waiting = self._due(_OF_PLACES, max_attempt=None)
        return waiting if waiting and self._library.check().ok else []

    def _waiting_for_the_scanner(self) -> list[Run]:
        """Return what can be scanned again: nothing while the scanner is away, however long."""
        waiting = self._due((FailedCode.SCANNER_UNAVAILABLE,), max_attempt=None)
        if waiting and self._scanner is not None and not self._scanner.is_there():
            return []
        return waiting

    def _due(self, codes: tuple[FailedCode, ...], *, max_attempt: int | None) -> list[Run]:
        """Return the next page of runs whose time has come.

        What cannot be tried again, for want of its bytes, stays due: pages that are full of it
        keep others waiting for some rounds, and not for ever.
        """
        moment = now()
        with self._database.read() as connection:
            found = runs.failed_with(
                connection,
                codes,
                due=[moment - _delay(attempt) for attempt in range(1, _MAX_ATTEMPTS + 2)],
                max_attempt=max_attempt,
                after=self._retried_until.get(codes),
                limit=_BATCH,
            )
        is_full = len(found) == _BATCH
        self._retried_until[codes] = (found[-1].finished_at, found[-1].id) if is_full else None
        return found

    def close_strays(self) -> None:
        """Fail runs that nobody will work on any more, and begin again those nobody can take.

        The first kind has lost its workers ten times. Most often somebody keeps killing them:
        it is tried again later; a file that does so itself, a few times. The second waits in
        a queue, or for a version of the code, that no living worker has. What runs is looked
        at each time, what waits a page at a time: a long queue costs no more than a short one.
        """
        before = now() - timedelta(seconds=_EVERY_S)
        with self._database.read() as connection:
            looked_at = runs.open_since(connection, RunState.RUNNING, before, limit=_MOST_RUNNING)
            waiting = runs.open_since(
                connection, RunState.QUEUED, before, after=self._seen_until, limit=_BATCH
            )
        is_full = len(waiting) == _BATCH
        self._seen_until = (waiting[-1].created_at, waiting[-1].id) if is_full else None
        ids = [run.id for run in looked_at + waiting]
        for run_id in self._durable.ended(ids):
            with _alone(run_id):
                fail(
                    self._database,
                    run_id,
                    FailedCode.WORKER_LOST,
                    "the run ended again and again without a result",
                )
        for run_id in self._durable.stranded(ids):
            with _alone(run_id):
                if self._pipeline.begin_again(run_id):
                    _logger.warning("run %s begins again: no living worker could take it", run_id)

    def clean_work(self) -> None:
        """Remove work directories of runs that have been over for a while.

        A crash leaves them behind. A worker that lives removes its own, once it has noticed
        that its run was cancelled.
        """
        before = now() - _NOTICED
        for name in self._library.work_dirs():
            # A group's directory has its run's name and the token of its taking.
            run_id = RunId(name.partition(".")[0])
            with self._database.read() as connection:
                is_over = runs.is_over(connection, run_id, before=before)
            if is_over:
                self._library.remove_work_dir(name)

    def purge_deleted(self) -> None:
        """Let go of what tracks referred to that were deleted a day ago."""
        with self._database.read() as connection:
            cutoff = now() - _KEEP_DELETED
            deleted = tracks.deleted_before(connection, cutoff, limit=_BATCH)
        if not deleted:
            return
        with self._database.write() as connection:
            waiting = [
                upload
                for upload in uploads.of_tracks(connection, deleted).values()
                if upload.state is UploadState.RECEIVED
            ]
            for upload in waiting:
                uploads.let_go(connection, upload, UploadState.DISCARDED, "discarded")
            for track_id in deleted:
                renditions.replace_all(connection, track_id, [])
                sources.remove(connection, track_id)
                insights.remove(connection, track_id)
                likenesses.remove(connection, track_id)
                fingerprints.remove(connection, track_id)
            tracks.mark_purged(connection, deleted)
        if self._intake is not None:
            for upload in waiting:
                self._intake.remove_file(upload.id)

    def forget_checkpoints(self) -> None:
        """Remove what the engine of durable runs remembers of runs that ended long ago.

        And what was left of groups whose run has ended otherwise than ready.
        """
        with self._database.read() as connection:
            closed = groups.of_closed_runs(connection, limit=_FORGOTTEN)
        for run_id in closed:
            with self._database.write() as connection:
                groups.remove(connection, run_id)
        self._durable.forget(before=now() - _KEEP_CHECKPOINTS, limit=_FORGOTTEN)

    def collect(self) -> None:
        """Remove objects that nothing has referred to for a day, a page of them at a time."""
        with self._database.read() as connection:
            unneeded, self._collected_until = objects.unreferenced(
                connection,
                before=now() - _KEEP_DELETED,
                after=self._collected_until,
                limit=_PAGE,
            )
        for one in unneeded:
            with object_lock.collecting(self._database, one.sha256) as is_alone:
                if is_alone:
                    self._collect(one.sha256)

    def _collect(self, sha256: str) -> None:
        """Remove an object; nobody can begin to refer to it, and no transaction is open.

        One that was made again since it was listed is about to be of use.
        """
        before = now() - _KEEP_DELETED
        with self._database.read() as connection:
            if not objects.is_unreferenced(connection, sha256, before=before):
                return
        self._library.remove(sha256)
        with self._database.write() as connection:
            objects.remove(connection, sha256)

    def fold_tallies(self) -> None:
        """Make few notes of many."""
        with self._database.read() as connection:
            if not tallies.are_many(connection):
                return
        with self._database.write() as connection:
            tallies.fold(connection)

    def fill_in_search(self) -> None:
        """Make searchable what an older version has written."""
        filled = _FILLED_IN
        while filled == _FILLED_IN:
            with self._database.read() as connection:
                missing = tracks.without_search_text(connection, limit=_FILLED_IN)
            if not missing:
                return
            with self._database.write() as connection:
                filled = tracks.fill_in_search_text(connection, missing)


def _delay(attempt: int) -> timedelta:
    """Return how long a run that failed rests before it is tried again."""
    return min(_FIRST_DELAY * (1 << (attempt - 1)), _MAX_DELAY)


@contextmanager
def _alone(run_id: RunId) -> Iterator[None]:
    """Let one run's trouble keep no other run waiting, unless it is the database's."""
    try:
        yield
    except FailedError:
        raise
    except Exception:
        _logger.exception("run %s could not be looked after", run_id)
