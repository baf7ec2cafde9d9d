"""When an invocation has to be done: early enough to say that it is not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sarau.errors import FailedCode, FailedError

_MARGIN_S: Final = 20.0
"""What is kept for the report; of a short invocation a quarter."""
_MARGIN_SHARE: Final = 4


@dataclass(frozen=True, slots=True)
class Deadline:
    """The end of an invocation."""

    left_s: Callable[[], float]
    """Seconds until the invocation is killed."""
    margin_s: float

    @classmethod
    def of(cls, left_s: Callable[[], float]) -> "Deadline":
        """Return the deadline of an invocation that has just begun."""
        return cls(left_s, min(_MARGIN_S, left_s() / _MARGIN_SHARE))

    def check(self, _progress: float = 0.0) -> None:
        """Go on, or give up while there is time to say so; serves as a progress callback.

        Raises:
            FailedError: `function_limit`.

        """
        left_s = self.left_s()
        if left_s < self.margin_s:
            detail = f"not done {left_s:.0f} s before the function's time is over"
            raise FailedError(FailedCode.FUNCTION_LIMIT, detail)
