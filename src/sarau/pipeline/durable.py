"""Durable runs: the only module that knows DBOS.

A run is a DBOS workflow whose id is the run's id. It is put into the queue in the
transaction that creates the run, and its steps leave checkpoints in the same
database, so a run goes on where it stood in whichever process is alive.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import wraps
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer

from sarau.catalog import Database
from sarau.catalog.database import create_engine
from sarau.model.ids import RunId
from sarau.pipeline.liveness import announce, new_executor_id
from sarau.pipeline.outcome import Plain

_APPLICATION = "sarau"
_VERSION = "1"
"""Raised only when a run begun by older code cannot be continued by this code."""
_QUEUE = "tracks"
_WORKFLOW = "process_track"
_PRIORITY = 100
"""Never left out: an unset priority would come before every other."""
_POLLING_S = 0.25
_DETECTION_S = 2.0
_MAX_RECOVERIES = 10
"""A run whose process dies this often is taken to be what kills it."""
_OVER = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")

_logger = logging.getLogger(__name__)


def _function(step: Callable[..., Plain]) -> Callable[..., Plain]:
    """Return a function for a method: DBOS leaves a mark on what it is given."""

    @wraps(step)
    def call(*arguments: Any) -> Plain:  # noqa: ANN401 - JSON values
        return step(*arguments)

    return call


class DurableRuns:
    """The queue of runs and, once launched, a worker of it. One in a process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._engine = create_engine(database.url, explicit_begin=False)
        DBOS.migrate(database.url)
        self._client = DBOSClient(
            system_database_engine=self._engine,
            serializer=DBOSPortableJSONSerializer(),
            application_name=_APPLICATION,
        )
        self._stop = threading.Event()
        self._launched = False

    def launch(
        self,
        workflow: Callable[[RunId, dict[str, Callable[..., Plain]]], None],
        steps: Sequence[Callable[..., Plain]],
        *,
        concurrency: int,
    ) -> None:
        """Start to work on runs, `concurrency` of them at once.

        `workflow` is called with a run's id and the durable form of `steps` by their
        names. A step that has returned is not called again when the run is continued
        after a crash; its result comes from the database.
        """
        executor_id = new_executor_id()
        self._liveness = announce(self._database, executor_id)
        DBOS(config=self._config(executor_id, concurrency))
        durable = {step.__name__: DBOS.step(name=step.__name__)(_function(step)) for step in steps}

        @DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=_MAX_RECOVERIES)
        def process_track(run_id: str) -> None:
            workflow(RunId(run_id), durable)

        DBOS.launch()
        self._launched = True
        DBOS.register_queue(_QUEUE, worker_concurrency=concurrency, polling_interval_sec=_POLLING_S)
        threading.Thread(
            target=self._take_over, args=(executor_id,), name="take-over", daemon=True
        ).start()

    def _config(self, executor_id: str, concurrency: int) -> DBOSConfig:
        return {
            "name": _APPLICATION,
            "system_database_url": self._database.url,
            "system_database_engine": self._engine,
            "application_version": _VERSION,
            "executor_id": executor_id,
            "serializer": DBOSPortableJSONSerializer(),
            "max_executor_threads": 2 * concurrency + 2,
            "log_level": "WARNING",
        }

    def enqueue(self, connection: sa.Connection, run_id: RunId) -> None:
        """Queue a run in the caller's transaction: the row and its run, or neither."""
        self._client.enqueue_in_transaction(
            connection,
            {
                "workflow_name": _WORKFLOW,
                "queue_name": _QUEUE,
                "workflow_id": run_id,
                "app_version": _VERSION,
                "application_name": _APPLICATION,
                "priority": _PRIORITY,
            },
            run_id,
        )

    def cancel(self, run_id: RunId) -> None:
        """Let no further step of a run start; one at work looks at its run's state itself."""
        self._client.cancel_workflow(run_id)

    def ended(self, run_ids: Iterable[RunId]) -> set[RunId]:
        """Return those of `run_ids` that nobody will work on any more."""
        wanted = list(run_ids)
        if not wanted:
            return set()
        found = self._client.list_workflows(
            workflow_ids=[str(run_id) for run_id in wanted], load_input=False, load_output=False
        )
        return {RunId(one.workflow_id) for one in found if one.status in _OVER}

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
        return self._launched and not self._stop.is_set()

    def _take_over(self, executor_id: str) -> None:
        """Continue, for as long as this process lives, what dead processes left."""
        while not self._stop.wait(_DETECTION_S):
            try:
                pending = DBOS.list_workflows(
                    status="PENDING", load_input=False, load_output=False, limit=10_000
                )
                owners = {one.executor_id for one in pending} - {executor_id, None}
                dead = [owner for owner in owners if owner and self._liveness.is_dead(owner)]
                if dead and not self._stop.is_set():
                    _logger.warning("taking over the runs of %s", ", ".join(dead))
                    # DBOS recovers other executors' runs only through this call; its
                    # behaviour is pinned by tests/pipeline/test_durable_contract.py.
                    DBOS._recover_pending_workflows(dead)  # noqa: SLF001
            except Exception:
                # A database that is away for a moment must not end the watch.
                _logger.exception("looking for dead executors failed")

    def close(self) -> None:
        """Stop to take runs; those at work are continued by the next process."""
        self._stop.set()
        if self._launched:
            DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=0)
            self._liveness.close()
        self._client.destroy()
        self._engine.dispose()
