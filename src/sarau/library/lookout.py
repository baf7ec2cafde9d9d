"""Looking at something far away for any number of askers, none of whom waits long.

One thread looks at a time. What it saw is the answer for some seconds; who asks while
it looks waits a moment, and is then told that there was no answer.
"""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from sarau.errors import FailedCode

Seen = TypeVar("Seen")
"""What a look returns."""

_KEEP_S = 5.0
_WAIT_S = 2.0


class Lookout(Generic[Seen]):
    """The last look at something, never older than a few seconds. Thread-safe.

    Args:
        look: Looks, and may hang.
        not_seen: Makes an answer of a code and words, where a look hangs or breaks.
        silent: The code when nothing answers in time.
        keep_s: How long an answer is kept, in seconds.
        wait_s: How long a look is waited for, in seconds.

    """

    def __init__(
        self,
        look: Callable[[], Seen],
        not_seen: Callable[[FailedCode, str], Seen],
        *,
        silent: FailedCode,
        keep_s: float = _KEEP_S,
        wait_s: float = _WAIT_S,
    ) -> None:
        self._look = look
        self._not_seen = not_seen
        self._silent = silent
        self._keep_s = keep_s
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._seen: tuple[float, Seen] | None = None
        self._began_at = 0.0
        self._ended: threading.Event | None = None

    def answer(self) -> Seen:
        """Return what is seen now, or that nothing answers in time."""
        with self._lock:
            if self._seen is not None and time.monotonic() - self._seen[0] < self._keep_s:
                return self._seen[1]
            ended = self._ended or self._begin()
            left_s = self._began_at + self._wait_s - time.monotonic()
        # A look that takes long already keeps nobody else.
        if ended.wait(max(0.0, left_s)) and (seen := self._seen) is not None:
            return seen[1]
        took_s = time.monotonic() - self._began_at
        return self._not_seen(self._silent, f"no answer for {took_s:.0f} s")

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
            seen = self._not_seen(FailedCode.INTERNAL, f"{type(error).__name__}: {error}")
        with self._lock:
            self._seen = time.monotonic(), seen
            self._ended = None
        ended.set()
