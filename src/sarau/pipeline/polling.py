"""A cheap look whether anything waits, and a long rest where nothing does.

The engine of durable runs asks each queue for its row and for work at every turn, some
milliseconds of processor time whether there is work or not. One small question for all queues
of a process goes before it; only where something waits is the dear one asked. Where nothing
waits, nothing is asked until the bell rings or a long pause is over.
"""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from dbos._utils import INTERNAL_QUEUE_NAME

from sarau.pipeline import chores
from sarau.pipeline.bell import Bell

_SCHEMA = "dbos"
"""Where the engine's tables are on PostgreSQL; SQLite has no schemas."""
_POLLING_S = 0.1
"""Between two turns of a queue that is not empty, for whom its runs are not, or not yet."""
_ROW_GOOD_FOR_S = 60.0
"""A queue's row says nothing that we use; that it is there is looked at now and then."""
_BETWEEN_S = 0.05
"""Between two looks, however often it rings."""
_OFTEN_S = 0.25
"""Between two looks while nobody tells what other processes queue."""
_RARELY_S = 5.0
"""Between two looks while somebody does: for what was not told."""
_AWAY_S = 1.0

_logger = logging.getLogger(__name__)


def look_cheaply(system: Any, engine: sa.Engine, queues: Sequence[str], bell: Bell) -> None:  # noqa: ANN401 - DBOS's
    """Have the threads of DBOS that take from some queues ask little, and begin at once.

    Before each look DBOS reads the queue's row, and then asks for each scope of the queue,
    of which there is one; there it waits. tests/pipeline/test_waking.py pins this.

    Args:
        system: DBOS's own `SystemDatabase`.
        engine: Of the database that it is in.
        queues: Those that this process takes from.
        bell: Rings when something was queued.

    """
    read, read_all, scopes = system.get_queue, system.list_queues, system.dequeue_scopes
    known: dict[str, tuple[float, Any]] = {}
    all_known: tuple[float, list[Any]] = (float("-inf"), [])
    watched = {*queues, INTERNAL_QUEUE_NAME}
    waiting = _Waiting(engine, sorted(watched), bell)

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

    def list_queues(**options: Any) -> list[Any]:  # noqa: ANN401 - DBOS's
        nonlocal all_known
        read_at, found = all_known
        is_whole = {queue.name for queue in found}.issuperset(queues)
        if not is_whole or time.monotonic() - read_at >= _ROW_GOOD_FOR_S:
            found = read_all(**options)
            all_known = time.monotonic(), found
        return found

    def dequeue_scopes(queue_name: str) -> list[str | None]:
        if queue_name in watched and not waiting.wait_for(queue_name):
            return []
        found: list[str | None] = scopes(queue_name)
        return found

    chores.skip(system)
    system.get_queue = get_queue
    system.list_queues = list_queues
    system.dequeue_scopes = dequeue_scopes


class _Waiting:
    """Tells the threads of several queues what waits; they share one look."""

    def __init__(self, engine: sa.Engine, queues: Sequence[str], bell: Bell) -> None:
        schema = None if engine.dialect.name == "sqlite" else _SCHEMA
        name, status = sa.column("queue_name", sa.String), sa.column("status", sa.String)
        runs = sa.table("workflow_status", name, status, schema=schema)
        waiting = [
            sa.exists().where(runs.c.queue_name == queue, runs.c.status == "ENQUEUED").label(queue)
            for queue in queues
        ]
        self._query = sa.select(*waiting)
        self._engine = engine
        self._bell = bell
        self._lock = threading.Lock()
        self._looked_at = self._good_until = float("-inf")
        self._rings = -1
        self._is_away = False
        self._found: dict[str, bool] = {}

    def wait_for(self, queue: str) -> bool:
        """Wait until something waits in a queue, but not for ever; tell whether it does."""
        heard = self._bell.rings(queue)
        if self._has(queue):
            return True
        return self._bell.wait(queue, heard, self._pause_s()) and self._has(queue)

    def _pause_s(self) -> float:
        if self._is_away:
            return _AWAY_S
        return _RARELY_S if self._bell.is_trusted else _OFTEN_S

    def _has(self, queue: str) -> bool:
        """Tell whether something waits in a queue; nothing does while the database is away."""
        with self._lock:
            if self._rings != self._bell.all_rings() or time.monotonic() >= self._good_until:
                time.sleep(max(0.0, self._looked_at + _BETWEEN_S - time.monotonic()))
                # What rings during the look may have come too late for it.
                self._rings = self._bell.all_rings()
                self._look()
            return self._found.get(queue, False)

    def _look(self) -> None:
        try:
            with self._engine.connect() as connection:
                row = connection.execute(self._query).mappings().one()
        except sa.exc.SQLAlchemyError as error:
            _logger.warning("nothing is taken from the queues: %s", error.__cause__ or error)
            self._found, self._is_away = {}, True
        else:
            self._found = {name: bool(found) for name, found in row.items()}
            self._is_away = False
        self._looked_at = time.monotonic()
        # Somebody is about to take what waits; only that nothing does stays true for a while.
        rest_s = _BETWEEN_S if any(self._found.values()) else self._pause_s() / 2
        self._good_until = self._looked_at + rest_s
