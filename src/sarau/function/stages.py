"""The time that each stage of a landing takes."""

from collections.abc import Iterator
from contextlib import contextmanager

from sarau.model.clock import now
from sarau.model.landing_trace import StageTime, Trace
from sarau.observe.logs import Stopwatch


class Stages:
    """Times the work on one landing, from when it is made."""

    def __init__(self, traceparent: str) -> None:
        self._traceparent = traceparent
        self._began_at = now().timestamp()
        self._watch = Stopwatch()
        self._ended: list[StageTime] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage, however it ends."""
        after_s = self._watch.duration_s
        try:
            yield
        finally:
            took_s = self._watch.duration_s - after_s
            self._ended.append(StageTime(name, self._began_at + after_s, took_s))

    def trace(self) -> Trace:
        """Return what was timed until now."""
        work = StageTime("landing", self._began_at, self._watch.duration_s)
        return Trace(self._traceparent, work, tuple(self._ended))
