"""Durable runs: with ledger, slots and takeover beside it, all that knows DBOS.

A run is a DBOS workflow whose id is the run's id; promoting its file is another, and so is
each group of renditions that another worker makes. It is put into a queue in the
transaction that creates the run, and its steps leave checkpoints in the same database, so
a run goes on where it stood in whichever process is alive.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer, EnqueueOptions

from sarau.catalog import Database
from sarau.catalog.database import translated
from sarau.errors import FailedError
from sarau.model.ids import RunId
from sarau.observe import traces
from sarau.pipeline.copying import Copies
from sarau.pipeline.gate import Gate
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
from sarau.pipeline.polling import look_cheaply
from sarau.pipeline.pulse import Pulse
from sarau.pipeline.routes import COMMON_QUEUE, GROUP_QUEUE, Kind, Route, Routes
from sarau.pipeline.slots import Slots, hold
from sarau.pipeline.takeover import TakeOver
from sarau.pipeline.waking import Waking

_APPLICATION = "sarau"
CODE_VERSION = "1"
"""Raised only when a run begun by older code cannot be continued by this code."""
_WORKFLOWS: dict[Kind, str] = {
    "process": "process_track",
    "promote": "promote_source",
    "group": "render_group",
}
_POLLING_S = 0.25
_PROMOTIONS = 2
"""Files copied to the library at once: more would only share the disk."""
_MAX_RECOVERIES = 10
"""A run whose process dies this often is taken to be what kills it."""
_LOOK_S = 0.1
_OFFERED_S = 30.0
_BREAK_OFF_S = 10.0
"""What a step whose engine was taken away needs to notice, with time to spare."""

Workflow = Callable[..., None]
"""Takes a run's id, the durable steps by their names, and what else was queued with it."""

_logger = logging.getLogger(__name__)


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
            application_name=_APPLICATION,
        )
        self._ledger = Ledger(self._client)
        self._copies = Copies(self._client)
        self._waking = Waking(database, self._engine)
        self._stop = threading.Event()
        self._draining = False
        self._offered_at = float("-inf")
        self._pulse: Pulse | None = None
        self._dbos: DBOS | None = None
        self._slots: dict[str, Slots] = {}
        self._gate = Gate()
        self._break_off: Callable[[], None] = _nothing

    @property
    def worker_id(self) -> str | None:
        """Return the name under which this process works, None while it does not."""
        return self._pulse.worker_id if self._pulse else None

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
        self._slots = self._queues(concurrency, reads_intake=reads_intake)
        self._break_off = break_off or _nothing
        queues = list(self._slots)
        self._pulse = Pulse(
            self._database, code_version=self._code_version, concurrency=concurrency, queues=queues
        )
        self._dbos = DBOS(config=self._config(self._pulse.worker_id, concurrency))
        durable = {
            step.__name__: DBOS.step(name=step.__name__)(self._gate.around(step)) for step in steps
        }
        known: Mapping[Kind, Workflow | None]
        known = {"process": workflow, "promote": promote, "group": group}
        for kind, one in known.items():
            if one is not None:
                self._register(kind, one, durable)
        DBOS.listen_queues(queues)
        DBOS.launch()
        system = self._dbos._sys_db  # noqa: SLF001
        look_cheaply(system, self._engine, queues, self._waking.bell)
        hold(system, self._slots, self._takes_from)
        for queue in queues:
            # What a process may take at once is its own: a queue's row is everybody's.
            DBOS.register_queue(queue, worker_concurrency=1, polling_interval_sec=_POLLING_S)
        self._waking.listen()
        TakeOver(self._database, self._ledger, self._pulse, self._stop, self._waking).start()

    def _queues(self, concurrency: int, *, reads_intake: bool) -> dict[str, Slots]:
        """Return from which queues this process takes, and whose places each of them fills."""
        found: dict[str, Slots] = {}
        if concurrency:
            # Whole runs share their places, whichever queue they come from.
            found[COMMON_QUEUE] = found[GROUP_QUEUE] = Slots(concurrency)
        if reads_intake and self.routes.intake_queue and concurrency:
            found[self.routes.intake_queue] = found[COMMON_QUEUE]
        if reads_intake and self.routes.promote_queue:
            found[self.routes.promote_queue] = Slots(_PROMOTIONS)
        return found

    def _takes_from(self, queue: str) -> bool:
        """Tell whether this process takes from a queue now; what it has offered is for others."""
        is_own = queue == GROUP_QUEUE and time.monotonic() - self._offered_at < _OFFERED_S
        return not self._draining and not is_own

    def _register(
        self, kind: Kind, workflow: Workflow, durable: dict[str, Callable[..., Plain]]
    ) -> None:
        def run(run_id: str, *more: Any) -> None:  # noqa: ANN401 - JSON values
            queue = self.routes.promote_queue if kind == "promote" else COMMON_QUEUE
            with self._slots[queue or COMMON_QUEUE].at_work(
                entry_id(RunId(run_id), kind, *more[:1])
            ):
                workflow(RunId(run_id), durable, *more)

        name = _WORKFLOWS[kind]
        run.__qualname__ = run.__name__ = name
        DBOS.workflow(name=name, max_recovery_attempts=_MAX_RECOVERIES)(run)

    def _config(self, executor_id: str, concurrency: int) -> DBOSConfig:
        return {
            "name": _APPLICATION,
            "system_database_url": self._database.url,
            "system_database_engine": self._engine,
            "application_version": self._code_version,
            "executor_id": executor_id,
            "serializer": DBOSPortableJSONSerializer(),
            # Those that wait for helpers have a thread, but no place.
            "max_executor_threads": 6 * concurrency + 2 + _PROMOTIONS,
            # It sends what nobody here reads, and would look for it a hundred times a second.
            "notification_coalesce_sec": _POLLING_S,
            "log_level": "WARNING",
            "enable_otlp": traces.are_on(),
            "otel_attribute_format": "semconv",
        }

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
        if route.kind == "group":
            self._offered_at = time.monotonic()
        options: EnqueueOptions = {
            "workflow_name": _WORKFLOWS[route.kind],
            "queue_name": route.queue,
            "workflow_id": entry_id(run_id, route.kind, *more[:1]),
            "application_name": _APPLICATION,
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
        alive = self._pulse.living() if self._pulse else None
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
        alive = self._pulse.living() if self._pulse else None
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
        return self._stop.is_set()

    @contextmanager
    def idle(self, run_id: RunId) -> Iterator[None]:
        """Let others have a run's place in this process while it only waits."""
        slots = self._slots.get(COMMON_QUEUE)
        with slots.idle(run_id) if slots else nullcontext():
            yield

    def is_working(self) -> bool:
        """Tell whether this process is a worker."""
        return self._dbos is not None and not self._stop.is_set()

    def drain(self, grace_s: float, give_up: threading.Event) -> bool:
        """Take nothing new and wait for what is at work; tell whether all of it ended.

        Args:
            grace_s: How long to wait.
            give_up: Ends the waiting when it is set.

        """
        if self._dbos is None or self._pulse is None:
            return True
        self._draining = True
        try:
            self._pulse.drain()
        except FailedError as error:
            # Nothing is claimed without the database either, and what is at work goes on.
            _logger.warning("nobody could be told of the draining: %s", error)
        end = time.monotonic() + grace_s
        # Whoever looked at a queue just now may still be claiming.
        give_up.wait(2 * _POLLING_S)
        while time.monotonic() < end and not give_up.wait(_LOOK_S):
            if not self._at_work(self._dbos):
                return True
        return not self._at_work(self._dbos)

    def _at_work(self, dbos: DBOS) -> int:
        active = dbos._active_workflows_set  # noqa: SLF001
        return sum(active.count_for_queue(queue) for queue in self._slots)

    def hand_back(self) -> None:
        """Give what is at work to others at once. The process must end right after it.

        First the steps here are ended, so that nobody begins what is still at work. Where
        one does not end in time, nothing is said: others find out when the process is gone.
        """
        if self._pulse is None:
            return
        self._draining = True
        self._stop.set()
        self._gate.shut()
        self._break_off()
        if not self._gate.wait_until_empty(_BREAK_OFF_S):
            _logger.warning("a step did not end: its run is taken over when this process is gone")
            return
        try:
            DBOS._recover_pending_workflows([self._pulse.worker_id])  # noqa: SLF001
            self._waking.wake_all()
        except Exception as error:  # noqa: BLE001 - others will take it when the pulse stops
            _logger.warning("could not hand back: %s", error)
        self._pulse.close()
        self._waking.close()

    def close(self) -> None:
        """Stop to take runs; those at work are continued by the next process."""
        self._stop.set()
        self._waking.close()
        if self._dbos is not None:
            DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=0)
        if self._pulse is not None:
            self._pulse.close()
        self._client.destroy()
        self._engine.dispose()


def _nothing() -> None: ...
