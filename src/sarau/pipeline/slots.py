"""How much a process has at work at once, over all the queues it takes from."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dbos._sys_db import SystemDatabase

START_S = 60.0
"""What was taken and has not begun after so long never will: its place is given to others."""
_ALWAYS_ASK = 1 << 20
"""More than anybody has at work: how much may be taken is said when it is taken."""


class Slots:
    """Places for what is at work; taking some is one act, whoever else wants them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taking = threading.Lock()
        self._lock = threading.Lock()
        self._waiting: dict[str, float] = {}
        self._running: Counter[str] = Counter()

    def take(self, claim: Callable[[int], list[str]]) -> list[str]:
        """Call `claim` with the number of free places and keep one for each id it returns."""
        with self._taking:
            free = self.free()
            if free <= 0:
                return []
            taken = claim(free)
            with self._lock:
                self._waiting |= dict.fromkeys(taken, time.monotonic())
        return taken

    def free(self) -> int:
        """Return how many places nobody has."""
        with self._lock:
            self._let_go()
            return self._limit - len(self._waiting) - self._running.total()

    def taken(self) -> set[str]:
        """Return what has a place, or lets others have it for a while."""
        with self._lock:
            self._let_go()
            return {*self._waiting, *self._running}

    def _let_go(self) -> None:
        late = time.monotonic() - START_S
        self._waiting = {one: at for one, at in self._waiting.items() if at > late}

    @contextmanager
    def at_work(self, one: str) -> Iterator[None]:
        """Have a place while the block lasts, the one that was taken for it."""
        with self._lock:
            self._waiting.pop(one, None)
            self._running[one] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[one] -= 1
                if not self._running[one]:
                    del self._running[one]

    @contextmanager
    def idle(self, one: str) -> Iterator[None]:
        """Leave a place to others while the block lasts, then have it again at once."""
        with self._lock:
            self._running[one] -= 1
        try:
            yield
        finally:
            with self._lock:
                self._running[one] += 1


def hold(system: SystemDatabase, slots: Mapping[str, Slots], takes: Callable[[str], bool]) -> None:
    """Have this process take from each queue only what it has a place for.

    DBOS keeps a queue's limits in a row that all processes share, reads it some time before
    it takes, and counts each queue by itself. So the limit is put in where it takes, for
    all queues at once. tests/pipeline/test_durable_contract.py pins this.
    """
    read, start = system.get_queue, system.start_queued_workflows

    def get_queue(name: str, **options: Any) -> Any:  # noqa: ANN401 - DBOS's queue
        queue = read(name, **options)
        if queue is not None and name in slots:
            queue._worker_concurrency = _ALWAYS_ASK  # noqa: SLF001
        return queue

    def start_queued(
        queue: Any,  # noqa: ANN401 - DBOS's queue
        executor_id: str,
        version: str,
        key: str | None,
        running: int = 0,
        **options: Any,  # noqa: ANN401 - DBOS's options
    ) -> Any:  # noqa: ANN401 - ids, and DBOS's reason for no more
        why: Any = "worker_concurrency"

        def claim(free: int) -> list[str]:
            nonlocal why
            queue._worker_concurrency = running + free  # noqa: SLF001
            taken, why = start(queue, executor_id, version, key, running, **options)
            return taken

        if queue.name not in slots:
            return start(queue, executor_id, version, key, running, **options)
        return (slots[queue.name].take(claim) if takes(queue.name) else []), why

    system.get_queue = get_queue  # type: ignore[method-assign]
    system.start_queued_workflows = start_queued  # type: ignore[method-assign,assignment]
