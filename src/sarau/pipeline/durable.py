"""Durable runs: with worker, ledger, slots and takeover beside it, all that knows DBOS.

A run is a DBOS workflow whose id is the run's id; promoting its file is another, and so is
each group of renditions that another worker makes. It is put into a queue in the
transaction that creates the run, and its steps leave checkpoints in the same database, so
a run goes on where it stood in whichever process is alive.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions

from sarau.catalog import Database, volumes
from sarau.catalog.database import translated
from sarau.model.ids import RunId
from sarau.observe import traces
from sarau.pipeline.copying import Copies
from sarau.pipeline.ledger import (
    OVER,
    PROMOTE,
    TAKEN,
    WHOLE,
    Entry,
    Ledger,
    entry_id,
    entry_ids,
    is_over,
    is_stranded,
)
from sarau.pipeline.outcome import Plain
from sarau.pipeline.routes import COMMON_QUEUE, Route, Routes
from sarau.pipeline.waking import Waking
from sarau.pipeline.worker import APPLICATION, WORKFLOWS, Worker, Workflow

CODE_VERSION = "1"
"""Raised only when a run begun by older code cannot be continued by this code."""


class DurableRuns:
    """The queues of runs and, once launched, a worker of some. One in a process.

    Raises:
        FailedError: `database_unavailable`.

    """

    @translated()
    def __init__(
        self, database: Database, routes: Routes | None = None, *, code_version: str = CODE_VERSION
    ) -> None:
        self.routes = routes or Routes()
        self._database = database
        self._code_version = code_version
        self._engine = database.another_engine()
        DBOS.migrate(database.url_as_of_now())
        self._client = DBOSClient(
            system_database_engine=self._engine,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
        )
        self._ledger = Ledger(self._client)
        self._copies = Copies(self._client)
        self._waking = Waking(database, self._engine)
        self._worker: Worker | None = None

    @property
    def worker_id(self) -> str | None:
        """Return the name under which this process works, None while it does not."""
        return self._worker.id if self._worker else None

    @translated()
    def launch(
        self,
        workflow: Workflow,
        steps: Sequence[Callable[..., Plain]],
        *,
        concurrency: int,
        promote: Workflow | None = None,
        group: Workflow | None = None,
        reads_intake: bool = True,
        break_off: Callable[[], None] | None = None,
    ) -> None:
        """Start to work on runs, `concurrency` of them at once; with 0, only to promote.

        `workflow`, `promote` and `group` are called with a run's id and the durable form of
        `steps` by their names. A step that has returned is not called again when the run is
        continued after a crash; its result comes from the database. `break_off` ends what
        steps wait for, so that they return soon.

        Raises:
            FailedError: `database_unavailable`.

        """
        self._worker = Worker(
            self._database,
            self._engine,
            self._ledger,
            self._waking,
            self.routes if reads_intake else Routes(),
            code_version=self._code_version,
            concurrency=concurrency,
            break_off=break_off,
        )
        self._worker.start({"process": workflow, "promote": promote, "group": group}, steps)

    def route(self, connection: sa.Connection, *, is_stored: bool) -> Route:
        """Return where a run goes whose source is in the library already, or on D.

        A worker may be older than volume D: then the catalog knows by now who can read it.
        """
        if not is_stored and self.routes.intake_id is None:
            known = volumes.known_id(connection, "intake")
            self.routes = replace(self.routes, intake_id=known)
        return self.routes.of(is_stored=is_stored)

    def enqueue(
        self,
        connection: sa.Connection,
        run_id: RunId,
        *more: Any,  # noqa: ANN401 - JSON values
        route: Route | None = None,
        turn: int | None = None,
    ) -> None:
        """Queue a run in the caller's transaction: the row and its run, or neither.

        A group of its renditions has `more`: its number, and the analysis. What is queued is
        bound to no version of the code until somebody takes it: then it is whoever
        runs the newest.
        """
        route = route or Route(COMMON_QUEUE, "process")
        if route.kind == "group" and self._worker is not None:
            self._worker.leave_to_others()
        options: EnqueueOptions = {
            "workflow_name": WORKFLOWS[route.kind],
            "queue_name": route.queue,
            "workflow_id": entry_id(run_id, route.kind, *more[:1]),
            "application_name": APPLICATION,
            # Never left out: an unset priority would come before every other.
            "priority": turn or 1,
        }
        if (traced := traces.current()) is not None:
            options["otel_context"] = traced
        self._client.enqueue_in_transaction(connection, options, run_id, *more)
        self._waking.note(route.queue)

    def enqueue_all(
        self, connection: sa.Connection, turns: Sequence[tuple[RunId, int]], *, route: Route
    ) -> None:
        """Queue several runs, each with its turn, in the caller's transaction.

        DBOS writes the first; the rest are copies of it, made by the database.
        """
        (first, turn), *others = turns
        self.enqueue(connection, first, route=route, turn=turn)
        if others:
            self._copies.make(connection, first, others, route.kind)

    def cancel(self, run_id: RunId) -> None:
        """Let no further step of a run start; one at work looks at its run's state itself."""
        self._client.cancel_workflows(entry_ids(run_id))

    def ended(self, run_ids: Iterable[RunId]) -> set[RunId]:
        """Return those of `run_ids` that nobody will work on any more."""
        with self._database.read() as connection:
            entries = self._find(connection, run_ids)
        return {run_id for run_id, found in entries.items() if is_over(found)}

    def has(self, connection: sa.Connection, run_id: RunId) -> bool:
        """Tell whether this worker has a run still.

        Who hung, or was cut off, finds that it was given to another. A process that is no
        worker, and works for itself, has what it works on.
        """
        if self.worker_id is None:
            return True
        found = self._ledger.find(connection, [entry_id(run_id, "process")])
        return [(one.status, one.owner) for one in found] == [(TAKEN, self.worker_id)]

    def is_served(self, route: Route) -> bool:
        """Tell whether a living worker takes runs from a route's queue."""
        alive = self._worker.pulse.living() if self._worker else None
        return any(route.queue in one.queues for one in alive or ())

    def stranded(self, run_ids: Iterable[RunId]) -> set[RunId]:
        """Return those of `run_ids` that no living worker may take.

        Nobody has them in a queue, or takes from that queue with the version of the code
        under which they began: they have to begin again. A process that does not know who
        lives, because it does not work or was just without the database, names none.
        """
        with self._database.read() as connection:
            entries = self._find(connection, run_ids)
        # Who lives is asked of another connection, and not from inside of this one: on SQLite
        # a commit waits for every reader, and keeps new ones waiting meanwhile.
        return self._without_a_worker(entries)

    def withdraw_stranded(self, connection: sa.Connection, run_id: RunId) -> bool:
        """Forget a run's checkpoints and places in queues if no living worker may take it.

        Until the caller's transaction ends nobody else takes it, and whoever asks the same
        waits: what was true of a list a moment ago is asked again here.
        """
        if not self._without_a_worker(self._find(connection, [run_id], lock=True)):
            return False
        self.withdraw(connection, run_id)
        return True

    def _without_a_worker(self, entries: Mapping[RunId, Sequence[Entry]]) -> set[RunId]:
        """Return those runs that nobody may take who lives now, after the entries were read."""
        alive = self._worker.pulse.living() if self._worker else None
        if alive is None:
            return set()
        return {run_id for run_id, found in entries.items() if is_stranded(found, alive)}

    def _find(
        self, connection: sa.Connection, run_ids: Iterable[RunId], *, lock: bool = False
    ) -> dict[RunId, list[Entry]]:
        found: dict[RunId, list[Entry]] = {run_id: [] for run_id in run_ids}
        ids = [entry_id(run_id, kind) for run_id in found for kind in WHOLE]
        if ids:
            for one in self._ledger.find(connection, ids, lock=lock):
                found[RunId(one.id.removesuffix(PROMOTE))].append(one)
        return found

    def withdraw(self, connection: sa.Connection, run_id: RunId) -> None:
        """Forget a run's checkpoints and its places in queues, so that it can begin again."""
        self._ledger.remove(connection, entry_ids(run_id))

    def forget(self, *, before: datetime, limit: int) -> None:
        """Remove checkpoints of runs that were over long ago; the catalog keeps their history."""
        old = self._client.list_workflows(
            status=list(OVER),
            end_time=before.isoformat(),
            limit=limit,
            load_input=False,
            load_output=False,
        )
        if old:
            self._client.delete_workflows([one.workflow_id for one in old])

    @property
    def is_stopping(self) -> bool:
        """Whether this process has nothing to wait for any more."""
        return self._worker is not None and self._worker.is_stopping

    @contextmanager
    def idle(self, run_id: RunId) -> Iterator[None]:
        """Let others have a run's place in this process while it only waits."""
        with self._worker.idle(run_id) if self._worker else nullcontext():
            yield

    def drain(self, grace_s: float, give_up: threading.Event) -> bool:
        """Take nothing new and wait for what is at work; tell whether all of it ended.

        Args:
            grace_s: How long to wait.
            give_up: Ends the waiting when it is set.

        """
        return self._worker is None or self._worker.drain(grace_s, give_up)

    def hand_back(self) -> None:
        """Give what is at work to others at once. The process must end right after it.

        First the steps here are ended, so that nobody begins what is still at work. Where
        one does not end in time, nothing is said: others find out when the process is gone.
        """
        if self._worker is not None:
            self._worker.hand_back()

    def close(self) -> None:
        """Stop to take runs; those at work are continued by the next process."""
        if self._worker is not None:
            self._worker.stop()
        self._waking.close()
        if self._worker is not None:
            self._worker.close()
        self._client.destroy()
        self._engine.dispose()
