"""Several requests share one transaction, so that small files do not pay a disk flush each.

Whoever comes first commits; those who come while that commit is on its way to the
disk wait together and are committed by one of them. Nobody waits on purpose: a
request that is alone commits at once.
"""

import contextvars
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import sqlalchemy as sa

from sarau.catalog import Database, locks
from sarau.model.ids import UploadId

_LARGEST = 64

Item = TypeVar("Item")
Result = TypeVar("Result")


class Job(Generic[Item, Result]):
    """One request's part of a batch; whoever runs the batch sets `error` or `value`."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.context = contextvars.copy_context()
        """The request's: what is done for it in another's thread belongs to it."""
        self.turn = threading.Event()
        self.done = False
        self.error: BaseException | None = None
        self.value: list[Result] = []

    def result(self) -> Result:
        """Return the value, or raise the error, once the batch has been run."""
        if self.error is not None:
            raise self.error
        return self.value[0]


class Batches(Generic[Item, Result]):
    """Threads that come together are served by the first of them.

    Args:
        run_all: Runs a batch; what it raises is raised in every thread of the batch.

    """

    def __init__(self, run_all: Callable[[list[Job[Item, Result]]], None]) -> None:
        self._run_all = run_all
        self._lock = threading.Lock()
        self._queue: list[Job[Item, Result]] = []
        self._busy = False

    def run(self, item: Item) -> Result:
        """Have `item` run in a batch and return its result."""
        job: Job[Item, Result] = Job(item)
        with self._lock:
            self._queue.append(job)
            leads = not self._busy
            self._busy = True
        if not leads:
            job.turn.wait()
        if not job.done:
            self._lead()
        return job.result()

    def _lead(self) -> None:
        with self._lock:
            jobs, self._queue = self._queue[:_LARGEST], self._queue[_LARGEST:]
        try:
            self._run_all(jobs)
        except BaseException as error:  # noqa: BLE001 - it is raised in every waiting thread
            for job in jobs:
                job.error = job.error or error
        finally:
            with self._lock:
                following = self._queue[0] if self._queue else None
                self._busy = following is not None
            for job in jobs:
                job.done = True
                job.turn.set()
            if following is not None:
                following.turn.set()


Work = Callable[[sa.Connection], object]
Changing = tuple[Work, UploadId | None]
"""A piece of work, and which upload that others may change too it changes."""


class GroupCommit:
    """Runs pieces of work, each whole or not at all, several to a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batches: Batches[Changing, object] = Batches(self._commit)

    def run(
        self, work: Callable[[sa.Connection], Result], *, upload_id: UploadId | None = None
    ) -> Result:
        """Run `work` in a transaction and return its result when that is on disk.

        Args:
            work: Locks rows in the order of catalog/locks.py.
            upload_id: The upload that it changes, unless it makes it.

        Raises:
            FailedError: `database_unavailable` or `disk_full`: nothing was committed.
            Exception: What `work` raised: nothing of it was committed.

        """
        result: Result = self._batches.run((work, upload_id))  # type: ignore[assignment]  # it is work's own
        return result

    def _commit(self, jobs: list[Job[Changing, object]]) -> None:
        with self._database.write() as connection:
            if len(jobs) == 1:
                jobs[0].value = [jobs[0].context.run(jobs[0].item[0], connection)]
                return
            # The first to record an event keeps it from everybody else until the end.
            locks.arriving(connection, {job.item[1] for job in jobs if job.item[1]})
            for job in jobs:
                self._run_one(connection, job)

    @staticmethod
    def _run_one(connection: sa.Connection, job: Job[Changing, object]) -> None:
        try:
            with connection.begin_nested():
                job.value = [job.context.run(job.item[0], connection)]
        except sa.exc.DBAPIError:
            raise  # the database's trouble is everybody's
        except Exception as error:  # noqa: BLE001 - raised in the thread that asked for the work
            job.error = error
