"""The gate that every step goes through, so that a process can stop and know that it has."""

import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Gate:
    """Open until it is shut; then nothing gets in, and nothing that comes out goes on.

    What comes out of a step would become its checkpoint, and a step whose engine was
    taken away has nothing true to say. So its thread stands still until the process ends.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._is_shut = False

    def around(self, step: Callable[P, T]) -> Callable[P, T]:
        """Return a step that returns what it returns, unless the gate was shut meanwhile.

        It is a function also where the step is a method: DBOS leaves a mark on it.
        """

        @wraps(step)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            self._pass(1)
            try:
                return step(*args, **kwargs)
            finally:
                self._pass(-1)

        return call

    def _pass(self, way: int) -> None:
        with self._changed:
            if way < 0 or not self._is_shut:
                self._inside += way
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._is_shut)

    def shut(self) -> None:
        """Let nothing in or out any more."""
        with self._changed:
            self._is_shut = True

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Wait until no step is at work; tell whether it came to that."""
        end = time.monotonic() + timeout_s
        with self._changed:
            return self._changed.wait_for(lambda: not self._inside, end - time.monotonic())
