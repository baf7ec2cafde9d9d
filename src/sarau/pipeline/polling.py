"""A cheap look whether anything waits, so that idle processes can look often.

The engine of durable runs asks each queue for its row and for work at every turn, some
milliseconds of processor time whether there is work or not. One small question for all queues
of a process goes before it; only where something waits is the dear one asked.
"""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

_SCHEMA = "dbos"
"""Where the engine's tables are on PostgreSQL; SQLite has no schemas."""
_POLLING_S = 0.1
"""Between two looks. The queue's row says more, for processes of an older version."""
_ROW_GOOD_FOR_S = 5.0
"""A queue's row says nothing that we use; that it is there is looked at now and then."""
_AWAY_S = 1.0

_logger = logging.getLogger(__name__)


def look_cheaply(system: Any, engine: sa.Engine, queues: Sequence[str]) -> None:  # noqa: ANN401 - DBOS's
    """Have the threads of DBOS that take from some queues look often, and ask little.

    Before each look DBOS reads the queue's row, and then asks for each scope of the queue,
    of which there is one. tests/pipeline/test_durable_contract.py pins this.

    Args:
        system: DBOS's own `SystemDatabase`.
        engine: Of the database that it is in.
        queues: Those that this process takes from.

    """
    read, scopes = system.get_queue, system.dequeue_scopes
    waiting = _Waiting(engine, queues)
    known: dict[str, tuple[float, Any]] = {}

    def get_queue(name: str, **options: Any) -> Any:  # noqa: ANN401 - DBOS's queue
        if name not in queues:
            return read(name, **options)
        read_at, queue = known.get(name, (float("-inf"), None))
        if queue is None or time.monotonic() - read_at >= _ROW_GOOD_FOR_S:
            queue = read(name, **options)
            known[name] = time.monotonic(), queue
        if queue is not None:
            queue._polling_interval_sec = _POLLING_S  # noqa: SLF001 - its own loop reads it
        return queue

    def dequeue_scopes(queue_name: str) -> list[str | None]:
        found: list[str | None] = scopes(queue_name)
        return found if queue_name not in queues or waiting.has(queue_name) else []

    system.get_queue = get_queue
    system.dequeue_scopes = dequeue_scopes


class _Waiting:
    """Tells the threads of several queues what waits; they share one look."""

    def __init__(self, engine: sa.Engine, queues: Sequence[str]) -> None:
        schema = None if engine.dialect.name == "sqlite" else _SCHEMA
        name, status = sa.column("queue_name", sa.String), sa.column("status", sa.String)
        runs = sa.table("workflow_status", name, status, schema=schema)
        waiting = [
            sa.exists().where(runs.c.queue_name == queue, runs.c.status == "ENQUEUED").label(queue)
            for queue in queues
        ]
        self._query = sa.select(*waiting)
        self._engine = engine
        self._lock = threading.Lock()
        self._look_at = float("-inf")
        self._found: dict[str, bool] = {}

    def has(self, queue: str) -> bool:
        """Tell whether something waits in a queue; nothing does while the database is away."""
        with self._lock:
            if time.monotonic() >= self._look_at:
                self._look()
            return self._found.get(queue, False)

    def _look(self) -> None:
        try:
            with self._engine.connect() as connection:
                row = connection.execute(self._query).mappings().one()
        except sa.exc.SQLAlchemyError as error:
            _logger.warning("nothing is taken from the queues: %s", error.__cause__ or error)
            self._found, pause_s = {}, _AWAY_S
        else:
            self._found, pause_s = (
                {name: bool(found) for name, found in row.items()},
                _POLLING_S / 2,
            )
        self._look_at = time.monotonic() + pause_s
