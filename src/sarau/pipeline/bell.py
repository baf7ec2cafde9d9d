"""Who waits for a queue in this process, and what wakes them."""

import threading
from collections import Counter


class Bell:
    """Rings for queues. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rings: Counter[str] = Counter()
        self._for_all = 0
        self._is_trusted = False
        self._is_closed = False

    @property
    def is_trusted(self) -> bool:
        """Whether it rings for what other processes queue, too."""
        return self._is_trusted

    def trust(self, *, is_trusted: bool) -> None:
        """Say whether it rings for others' runs from now on; what was missed is looked for."""
        if self._is_trusted != is_trusted:
            self._is_trusted = is_trusted
            self.ring_for_all()

    def ring(self, queue: str) -> None:
        """Wake who waits for a queue."""
        with self._changed:
            self._rings[queue] += 1
            self._changed.notify_all()

    def ring_for_all(self) -> None:
        """Wake everybody."""
        with self._changed:
            self._for_all += 1
            self._changed.notify_all()

    def rings(self, queue: str) -> int:
        """Return how often it rang for a queue."""
        with self._changed:
            return self._for_all + self._rings[queue]

    def all_rings(self) -> int:
        """Return how often it rang, for whomever."""
        with self._changed:
            return self._for_all + self._rings.total()

    def wait(self, queue: str, heard: int, timeout_s: float) -> bool:
        """Wait until it has rung for a queue more than `heard` times; tell whether it has."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._is_closed or self._for_all + self._rings[queue] != heard, timeout_s
            )

    def close(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
