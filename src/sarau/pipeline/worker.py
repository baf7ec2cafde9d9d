"""This process as a worker: which queues it takes runs from, and how it stops."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer

from sarau.catalog import Database
from sarau.errors import FailedError
from sarau.model.ids import RunId
from sarau.observe import traces
from sarau.pipeline.gate import Gate
from sarau.pipeline.ledger import Ledger, entry_id
from sarau.pipeline.outcome import Plain
from sarau.pipeline.polling import look_cheaply
from sarau.pipeline.pulse import Pulse
from sarau.pipeline.routes import COMMON_QUEUE, GROUP_QUEUE, Kind, Routes
from sarau.pipeline.slots import Slots, hold
from sarau.pipeline.takeover import TakeOver
from sarau.pipeline.waking import Waking

APPLICATION = "sarau"
WORKFLOWS: dict[Kind, str] = {
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


class Worker:
    """Takes runs once it is started. One in a process.

    Args:
        database: The catalog's.
        engine: Of the same database, for DBOS.
        ledger: What is queued and taken.
        waking: Rings when something is queued.
        routes: Those of volume D where it can be read here.
        code_version: Under which runs are taken.
        concurrency: Of runs at once; with 0, files are only promoted.
        break_off: Ends what steps wait for, so that they return soon.

    """

    def __init__(
        self,
        database: Database,
        engine: sa.Engine,
        ledger: Ledger,
        waking: Waking,
        routes: Routes,
        *,
        code_version: str,
        concurrency: int,
        break_off: Callable[[], None] | None,
    ) -> None:
        self._database = database
        self._engine = engine
        self._ledger = ledger
        self._waking = waking
        self._code_version = code_version
        self._concurrency = concurrency
        self._break_off = break_off or _nothing
        self._slots = _queues(routes, concurrency)
        self._promote_queue = routes.promote_queue
        self._stop = threading.Event()
        self._gate = Gate()
        self._draining = False
        self._offered_at = float("-inf")
        self._dbos: DBOS | None = None
        self.pulse = Pulse(
            database, code_version=code_version, concurrency=concurrency, queues=list(self._slots)
        )

    @property
    def id(self) -> str:
        """Return the name under which this process works."""
        return self.pulse.worker_id

    @property
    def is_stopping(self) -> bool:
        """Whether this process has nothing to wait for any more."""
        return self._stop.is_set()

    def start(
        self, workflows: Mapping[Kind, Workflow | None], steps: Sequence[Callable[..., Plain]]
    ) -> None:
        """Begin to take runs, each kind for its workflow, which is given durable `steps`."""
        queues = list(self._slots)
        self._dbos = DBOS(config=self._config())
        durable = {
            step.__name__: DBOS.step(name=step.__name__)(self._gate.around(step)) for step in steps
        }
        for kind, one in workflows.items():
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
        TakeOver(
            self._database, self._ledger, self.pulse, self._stop, self._waking, self._here
        ).start()

    def _here(self) -> set[str]:
        """Return the ids of all that this process has taken and not ended."""
        active = self._dbos._active_workflows_set.activeList() if self._dbos else []  # noqa: SLF001
        return set(active).union(*(slots.taken() for slots in self._slots.values()))

    def _takes_from(self, queue: str) -> bool:
        """Tell whether this process takes from a queue now; what it has offered is for others."""
        is_own = queue == GROUP_QUEUE and time.monotonic() - self._offered_at < _OFFERED_S
        return not self._draining and not is_own

    def leave_to_others(self) -> None:
        """Take no groups for a while: this process has just offered some."""
        self._offered_at = time.monotonic()

    def _register(
        self, kind: Kind, workflow: Workflow, durable: dict[str, Callable[..., Plain]]
    ) -> None:
        def run(run_id: str, *more: Any) -> None:  # noqa: ANN401 - JSON values
            queue = self._promote_queue if kind == "promote" else COMMON_QUEUE
            with self._slots[queue or COMMON_QUEUE].at_work(
                entry_id(RunId(run_id), kind, *more[:1])
            ):
                workflow(RunId(run_id), durable, *more)

        name = WORKFLOWS[kind]
        run.__qualname__ = run.__name__ = name
        DBOS.workflow(name=name, max_recovery_attempts=_MAX_RECOVERIES)(run)

    def _config(self) -> DBOSConfig:
        return {
            "name": APPLICATION,
            "system_database_url": self._database.url,
            "system_database_engine": self._engine,
            "application_version": self._code_version,
            "executor_id": self.id,
            "serializer": DBOSPortableJSONSerializer(),
            # Those that wait for helpers have a thread, but no place.
            "max_executor_threads": 6 * self._concurrency + 2 + _PROMOTIONS,
            # It sends what nobody here reads, and would look for it a hundred times a second.
            "notification_coalesce_sec": _POLLING_S,
            "log_level": "WARNING",
            "enable_otlp": traces.are_on(),
            "otel_attribute_format": "semconv",
        }

    @contextmanager
    def idle(self, run_id: RunId) -> Iterator[None]:
        """Let others have a run's place in this process while it only waits."""
        slots = self._slots.get(COMMON_QUEUE)
        with slots.idle(run_id) if slots else nullcontext():
            yield

    def drain(self, grace_s: float, give_up: threading.Event) -> bool:
        """Take nothing new and wait for what is at work, as `DurableRuns.drain`."""
        if self._dbos is None:
            return True
        self._draining = True
        try:
            self.pulse.drain()
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
        """Give what is at work to others at once, as `DurableRuns.hand_back`."""
        self._draining = True
        # In this order: a step that ends because this process stops has nothing true to say.
        self._gate.shut()
        self._stop.set()
        self._break_off()
        if not self._gate.wait_until_empty(_BREAK_OFF_S):
            _logger.warning("a step did not end: its run is taken over when this process is gone")
            return
        try:
            DBOS._recover_pending_workflows([self.id])  # noqa: SLF001
            self._waking.wake_all()
        except Exception as error:  # noqa: BLE001 - others will take it when the pulse stops
            _logger.warning("could not hand back: %s", error)
        self.pulse.close()
        self._waking.close()

    def stop(self) -> None:
        """Let nothing here wait any more, as the process is about to end."""
        self._stop.set()

    def close(self) -> None:
        """Stop to take runs; those at work are continued by the next process."""
        if self._dbos is not None:
            DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=0)
        self.pulse.close()


def _queues(routes: Routes, concurrency: int) -> dict[str, Slots]:
    """Return from which queues a process takes, and whose places each of them fills."""
    found: dict[str, Slots] = {}
    if concurrency:
        # Whole runs share their places, whichever queue they come from.
        found[COMMON_QUEUE] = found[GROUP_QUEUE] = Slots(concurrency)
    if routes.intake_queue and concurrency:
        found[routes.intake_queue] = found[COMMON_QUEUE]
    if routes.promote_queue:
        found[routes.promote_queue] = Slots(_PROMOTIONS)
    return found


def _nothing() -> None: ...
