"""Looking at something far away for any number of askers, none of whom waits long.

One thread looks at a time. What it saw is the answer for some seconds; who asks while
it looks waits a moment, and is then told that there was no answer.
"""

import threading
import time
from collections.abc import Callable

from sarau.errors import FailedCode

Seen = tuple[FailedCode | None, str | None]
"""What is wrong, in a code and in words; None and None when nothing is."""

_KEEP_S = 5.0
_WAIT_S = 2.0


class Lookout:
    """The last look at something, never older than a few seconds. Thread-safe."""

    def __init__(
        self, look: Callable[[], Seen], *, keep_s: float = _KEEP_S, wait_s: float = _WAIT_S
    ) -> None:
        self._look = look
        self._keep_s = keep_s
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._seen: tuple[float, Seen] | None = None
        self._began_at = 0.0
        self._ended: threading.Event | None = None

    def answer(self) -> Seen:
        """Return what is seen now, or `library_unavailable` when nothing answers in time."""
        with self._lock:
            if self._seen is not None and time.monotonic() - self._seen[0] < self._keep_s:
                return self._seen[1]
            ended = self._ended or self._begin()
            left_s = self._began_at + self._wait_s - time.monotonic()
        # A look that takes long already keeps nobody else.
        if ended.wait(max(0.0, left_s)) and (seen := self._seen) is not None:
            return seen[1]
        took_s = time.monotonic() - self._began_at
        return FailedCode.LIBRARY_UNAVAILABLE, f"no answer for {took_s:.0f} s"

    def _begin(self) -> threading.Event:
        ended = self._ended = threading.Event()
        self._began_at = time.monotonic()
        # The end of the process does not wait for what never answers.
        threading.Thread(target=self._go, args=(ended,), name="lookout", daemon=True).start()
        return ended

    def _go(self, ended: threading.Event) -> None:
        try:
            seen = self._look()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            seen = FailedCode.INTERNAL, f"{type(error).__name__}: {error}"
        with self._lock:
            self._seen = time.monotonic(), seen
            self._ended = None
        ended.set()
