"""How slowly a body may come: a client below that is taken to be gone, and can resume."""

import time

LEAST_BYTES = 4 << 10
"""In each stretch of the time that a client may be silent. A modem of 1964 was faster."""


class Pace:
    """Watches one body; used by one thread.

    Args:
        idle_s: A stretch, in seconds.

    """

    def __init__(self, idle_s: float) -> None:
        self._idle_s = idle_s
        self._ends_at = time.monotonic() + idle_s
        self._got = 0

    def is_lost(self, got: int) -> bool:
        """Take in that `got` bytes came; tell whether it were too few for too long."""
        self._got += got
        if self._got >= LEAST_BYTES:
            self._ends_at, self._got = time.monotonic() + self._idle_s, 0
        return time.monotonic() > self._ends_at
