"""Durable runs: the only module that knows DBOS.

A run is a DBOS workflow whose id is the run's id; promoting its file is another. It is put
into a queue in the transaction that creates the run, and its steps leave checkpoints in
the same database, so a run goes on where it stood in whichever process is alive.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import wraps
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer

from sarau.catalog import Database
from sarau.catalog.database import create_engine
from sarau.errors import FailedError
from sarau.model.ids import RunId
from sarau.pipeline.outcome import Plain
from sarau.pipeline.pulse import Pulse, living
from sarau.pipeline.routes import COMMON_QUEUE, Kind, Route, Routes

_APPLICATION = "sarau"
CODE_VERSION = "1"
"""Raised only when a run begun by older code cannot be continued by this code."""
_WORKFLOWS: dict[Kind, str] = {"process": "process_track", "promote": "promote_source"}
_PROMOTE = ".promote"
"""What the id of a promotion has after its run's id."""
_POLLING_S = 0.25
_DETECTION_S = 2.0
_PROMOTIONS = 2
"""Files copied to the library at once: more would only share the disk."""
_MAX_RECOVERIES = 10
"""A run whose process dies this often is taken to be what kills it."""
_OVER = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
_WAITING = ("ENQUEUED", "PENDING")
_LOOK_S = 0.1

Workflow = Callable[[RunId, dict[str, Callable[..., Plain]]], None]

_logger = logging.getLogger(__name__)


def _function(step: Callable[..., Plain]) -> Callable[..., Plain]:
    """Return a function for a method: DBOS leaves a mark on what it is given."""

    @wraps(step)
    def call(*arguments: Any) -> Plain:  # noqa: ANN401 - JSON values
        return step(*arguments)

    return call


class DurableRuns:
    """The queues of runs and, once launched, a worker of some. One in a process."""

    def __init__(
        self, database: Database, routes: Routes | None = None, *, code_version: str = CODE_VERSION
    ) -> None:
        self.routes = routes or Routes()
        self._database = database
        self._code_version = code_version
        self._engine = create_engine(database.url, explicit_begin=False)
        DBOS.migrate(database.url)
        self._client = DBOSClient(
            system_database_engine=self._engine,
            serializer=DBOSPortableJSONSerializer(),
            application_name=_APPLICATION,
        )
        self._stop = threading.Event()
        self._draining = False
        self._pulse: Pulse | None = None
        self._dbos: DBOS | None = None
        self._rooms: dict[str, int] = {}

    @property
    def worker_id(self) -> str | None:
        """Return the name under which this process works, None while it does not."""
        return self._pulse.worker_id if self._pulse else None

    def launch(
        self,
        workflow: Workflow,
        steps: Sequence[Callable[..., Plain]],
        *,
        concurrency: int,
        promote: Workflow | None = None,
        reads_intake: bool = True,
    ) -> None:
        """Start to work on runs, `concurrency` of them at once; with 0, only to promote.

        `workflow` and `promote` are called with a run's id and the durable form of `steps`
        by their names. A step that has returned is not called again when the run is
        continued after a crash; its result comes from the database.
        """
        self._rooms = self._queues(concurrency, reads_intake=reads_intake)
        self._pulse = Pulse(
            self._database,
            code_version=self._code_version,
            concurrency=concurrency,
            queues=list(self._rooms),
        )
        self._dbos = DBOS(config=self._config(self._pulse.worker_id, concurrency))
        durable = {step.__name__: DBOS.step(name=step.__name__)(_function(step)) for step in steps}
        known: Mapping[Kind, Workflow | None] = {"process": workflow, "promote": promote}
        for kind, one in known.items():
            if one is not None:
                self._register(kind, one, durable)
        DBOS.listen_queues(list(self._rooms))
        DBOS.launch()
        self._hold_to_rooms(self._dbos)
        for queue in self._rooms:
            # What a process may take at once is its own: a queue's row is everybody's.
            DBOS.register_queue(queue, worker_concurrency=1, polling_interval_sec=_POLLING_S)
        threading.Thread(target=self._take_over, name="take-over", daemon=True).start()

    def _queues(self, concurrency: int, *, reads_intake: bool) -> dict[str, int]:
        """Return from which queues this process takes, and how many runs at once."""
        rooms: dict[str, int] = {}
        if concurrency:
            rooms[COMMON_QUEUE] = concurrency
        if reads_intake and self.routes.intake_queue and concurrency:
            rooms[self.routes.intake_queue] = concurrency
        if reads_intake and self.routes.promote_queue:
            rooms[self.routes.promote_queue] = _PROMOTIONS
        return rooms

    @staticmethod
    def _register(kind: Kind, workflow: Workflow, durable: dict[str, Callable[..., Plain]]) -> None:
        def run(run_id: str) -> None:
            workflow(RunId(run_id), durable)

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
            "max_executor_threads": 2 * concurrency + 2 + _PROMOTIONS,
            "log_level": "WARNING",
        }

    def _hold_to_rooms(self, dbos: DBOS) -> None:
        """Have every look at a queue end with this process's own limit.

        DBOS keeps a queue's limits in a row that all processes share, and reads it again
        before each look. tests/pipeline/test_durable_contract.py pins this.
        """
        read = dbos._sys_db.get_queue  # noqa: SLF001

        def get_queue(name: str, **options: Any) -> Any:  # noqa: ANN401 - DBOS's queue
            queue = read(name, **options)
            if queue is not None and name in self._rooms:
                queue._worker_concurrency = self._room(dbos, name)  # noqa: SLF001
            return queue

        dbos._sys_db.get_queue = get_queue  # type: ignore[method-assign] # noqa: SLF001

    def _room(self, dbos: DBOS, queue: str) -> int:
        """Return how many runs of a queue may be at work here: whole runs share one limit."""
        if self._draining:
            return 0
        if queue == self.routes.promote_queue:
            return self._rooms[queue]
        others = [one for one in self._rooms if one not in {queue, self.routes.promote_queue}]
        taken = sum(dbos._active_workflows_set.count_for_queue(one) for one in others)  # noqa: SLF001
        return max(0, self._rooms[queue] - taken)

    def enqueue(
        self,
        connection: sa.Connection,
        run_id: RunId,
        *,
        route: Route | None = None,
        turn: int | None = None,
    ) -> None:
        """Queue a run in the caller's transaction: the row and its run, or neither.

        It is bound to no version of the code until somebody takes it: then it is whoever
        runs the newest.
        """
        route = route or Route(COMMON_QUEUE, "process")
        self._client.enqueue_in_transaction(
            connection,
            {
                "workflow_name": _WORKFLOWS[route.kind],
                "queue_name": route.queue,
                "workflow_id": _workflow_id(run_id, route.kind),
                "application_name": _APPLICATION,
                # Never left out: an unset priority would come before every other.
                "priority": turn or 1,
            },
            run_id,
        )

    def cancel(self, run_id: RunId) -> None:
        """Let no further step of a run start; one at work looks at its run's state itself."""
        self._client.cancel_workflows([_workflow_id(run_id, kind) for kind in _WORKFLOWS])

    def ended(self, run_ids: Iterable[RunId]) -> set[RunId]:
        """Return those of `run_ids` that nobody will work on any more."""
        return {
            run_id
            for run_id, found in self._find(run_ids).items()
            if found and all(one.status in _OVER for one in found)
        }

    def is_served(self, route: Route) -> bool:
        """Tell whether a living worker takes runs from a route's queue."""
        return any(route.queue in one.queues for one in living(self._database))

    def stranded(self, run_ids: Iterable[RunId]) -> set[RunId]:
        """Return those of `run_ids` that no living worker may take.

        Nobody has them in a queue, or takes from that queue, or runs the version of the
        code under which they began: they have to begin again.
        """
        alive = living(self._database)
        queues = {queue for one in alive for queue in one.queues}
        versions = {one.code_version for one in alive}

        def is_stranded(one: Any) -> bool:  # noqa: ANN401 - DBOS's status
            return (
                one.status in _WAITING
                and (one.queue_name not in queues or one.app_version not in versions | {None, ""})
                and one.executor_id not in {worker.id for worker in alive}
            )

        def is_over(found: list[Any]) -> bool:
            # A promotion that was broken off after it queued the run says nothing more.
            whole = [one for one in found if not one.workflow_id.endswith(_PROMOTE)]
            return not found or any(is_stranded(one) for one in whole or found)

        return {run_id for run_id, found in self._find(run_ids).items() if is_over(found)}

    def _find(self, run_ids: Iterable[RunId]) -> dict[RunId, list[Any]]:
        found: dict[RunId, list[Any]] = {run_id: [] for run_id in run_ids}
        if not found:
            return found
        ids = [_workflow_id(run_id, kind) for run_id in found for kind in _WORKFLOWS]
        for one in self._client.list_workflows(
            workflow_ids=ids, load_input=False, load_output=False
        ):
            found[RunId(one.workflow_id.removesuffix(_PROMOTE))].append(one)
        return found

    def withdraw(self, run_id: RunId) -> None:
        """Forget a run's checkpoints and its place in a queue, so that it can begin again."""
        self._client.delete_workflows([_workflow_id(run_id, kind) for kind in _WORKFLOWS])

    def forget(self, *, before: datetime, limit: int) -> None:
        """Remove checkpoints of runs that were over long ago; the catalog keeps their history."""
        old = self._client.list_workflows(
            status=list(_OVER),
            end_time=before.isoformat(),
            limit=limit,
            load_input=False,
            load_output=False,
        )
        if old:
            self._client.delete_workflows([one.workflow_id for one in old])

    def is_working(self) -> bool:
        """Tell whether this process is a worker."""
        return self._dbos is not None and not self._stop.is_set()

    def _take_over(self) -> None:
        """Continue, for as long as this process lives, what dead processes left."""
        while not self._stop.wait(_DETECTION_S):
            try:
                self._look_for_the_dead()
            except Exception:
                # A database that is away for a moment must not end the watch.
                _logger.exception("looking for dead executors failed")

    def _look_for_the_dead(self) -> None:
        if self._pulse is None:
            return
        pending = DBOS.list_workflows(
            status="PENDING", load_input=False, load_output=False, limit=10_000
        )
        owners = {one.executor_id for one in pending} - {self._pulse.worker_id, None}
        dead = self._pulse.dead([owner for owner in owners if owner])
        if dead and not self._stop.is_set():
            _logger.warning("taking over the runs of %s", ", ".join(dead))
            # DBOS recovers other executors' runs only through this call; its
            # behaviour is pinned by tests/pipeline/test_durable_contract.py.
            DBOS._recover_pending_workflows(dead)  # noqa: SLF001

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
        return sum(active.count_for_queue(queue) for queue in self._rooms)

    def hand_back(self) -> None:
        """Give what is at work to others at once. The process must end right after it."""
        if self._pulse is None:
            return
        self._draining = True
        self._stop.set()
        try:
            DBOS._recover_pending_workflows([self._pulse.worker_id])  # noqa: SLF001
        except Exception as error:  # noqa: BLE001 - others will take it when the pulse stops
            _logger.warning("could not hand back: %s", error)
        self._pulse.close()

    def close(self) -> None:
        """Stop to take runs; those at work are continued by the next process."""
        self._stop.set()
        if self._dbos is not None:
            DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=0)
        if self._pulse is not None:
            self._pulse.close()
        self._client.destroy()
        self._engine.dispose()


def _workflow_id(run_id: RunId, kind: Kind) -> str:
    return run_id + _PROMOTE if kind == "promote" else run_id
