"""What a child says while it works: one JSON object per line."""

import json
import os
import time
from typing import Any, Final

from sarau.audio import _sandbox

_INTERVAL_S: Final = 0.2


class Reporter:
    """Writes messages to the pipe and keeps the CPU limit ahead of honest progress."""

    def __init__(self, results_fd: int, idle_cpu_s: int) -> None:
        self._fd = results_fd
        self._idle_cpu_s = idle_cpu_s
        self._spoken_at = 0.0
        self._span = (0.0, 1.0)
        self._fraction = 0.0

    def part(self, start: float, end: float) -> None:
        """Map the fractions to come onto `start` to `end` of the whole."""
        self._span = (start, end)

    def progress(self, fraction: float) -> None:
        """Say how much is done, a few times a second. Only call it when something was done."""
        now = time.monotonic()
        if now - self._spoken_at < _INTERVAL_S:
            return
        self._spoken_at = now
        _sandbox.allow_more_cpu(self._idle_cpu_s)
        self._fraction = min(1.0, max(0.0, fraction))
        start, end = self._span
        self.send({"progress": start + (end - start) * self._fraction})

    def worked(self) -> None:
        """Say that something was done whose share of the whole nobody knows."""
        self.progress(self._fraction)

    def send(self, message: dict[str, Any]) -> None:
        """Write one message."""
        data = memoryview(json.dumps(message, allow_nan=False).encode() + b"\n")
        while data:
            data = data[os.write(self._fd, data) :]
