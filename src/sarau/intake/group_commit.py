"""Several requests share one transaction, so that small files do not pay a disk flush each.

Whoever comes first commits; those who come while that commit is on its way to the
disk wait together and are committed by one of them. Nobody waits on purpose: a
request that is alone commits at once.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import sqlalchemy as sa

from sarau.catalog import Database

_LARGEST = 64

Result = TypeVar("Result")


class _Job(Generic[Result]):
    def __init__(self, work: Callable[[sa.Connection], Result]) -> None:
        self.work = work
        self.turn = threading.Event()
        self.done = False
        self.error: BaseException | None = None
        self.value: list[Result] = []

    def run(self, connection: sa.Connection) -> None:
        self.value = [self.work(connection)]

    def result(self) -> Result:
        if self.error is not None:
            raise self.error
        return self.value[0]


class GroupCommit:
    """Runs pieces of work, each whole or not at all, several to a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._queue: list[_Job[object]] = []
        self._busy = False

    def run(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Run `work` in a transaction and return its result when that is on disk.

        Raises:
            FailedError: `database_unavailable` or `disk_full`: nothing was committed.
            Exception: What `work` raised: nothing of it was committed.

        """
        job = _Job(work)
        with self._lock:
            self._queue.append(job)  # type: ignore[arg-type]  # the queue reads no result
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
            self._commit(jobs)
        finally:
            with self._lock:
                following = self._queue[0] if self._queue else None
                self._busy = following is not None
            for job in jobs:
                job.done = True
                job.turn.set()
            if following is not None:
                following.turn.set()

    def _commit(self, jobs: list[_Job[object]]) -> None:
        try:
            with self._database.write() as connection:
                if len(jobs) == 1:
                    jobs[0].run(connection)
                    return
                for job in jobs:
                    self._run_one(connection, job)
        except BaseException as error:  # noqa: BLE001 - it is raised in every waiting thread
            for job in jobs:
                job.error = job.error or error

    @staticmethod
    def _run_one(connection: sa.Connection, job: _Job[object]) -> None:
        try:
            with connection.begin_nested():
                job.run(connection)
        except sa.exc.DBAPIError:
            raise  # the database's trouble is everybody's
        except Exception as error:  # noqa: BLE001 - raised in the thread that asked for the work
            job.error = error
