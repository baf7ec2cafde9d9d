"""How a step says what came of it: plain values that a checkpoint can keep.

Exceptions do not survive a checkpoint with their type, so a step that ends in a
rejection or a failure returns it. Short troubles are tried again inside the step.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sarau.errors import (
    CancelledRunError,
    Code,
    FailedCode,
    FailedError,
    RejectedCode,
    RejectedError,
)

Plain = dict[str, Any]
"""JSON values only: what a step takes and returns is kept in the database."""

Kind = Literal["done", "rejected", "failed", "closed"]

_TRIES: dict[Code, int] = {FailedCode.ENGINE_CRASHED: 3, FailedCode.DATABASE_UNAVAILABLE: 120}
"""A database that fails over is away for a minute or two, and meanwhile no outcome can be kept."""
_PAUSE_S = 1.0

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a step."""

    kind: Kind
    """`closed`: the run was cancelled or ended elsewhere, there is nothing to say."""
    value: Plain
    """What the next steps need, when `done`."""
    code: Code | None = None
    detail: str | None = None

    def to_plain(self) -> Plain:
        """Return JSON values."""
        return {"kind": self.kind, "value": self.value, "code": self.code, "detail": self.detail}


def from_plain(plain: Plain) -> Outcome:
    """Rebuild an outcome from what a checkpoint kept."""
    codes = RejectedCode if plain["kind"] == "rejected" else FailedCode
    code = codes(plain["code"]) if plain["code"] else None
    return Outcome(plain["kind"], plain["value"], code, plain["detail"])


def attempt(work: Callable[[], Plain]) -> Outcome:
    """Call `work` and turn whatever happens into an outcome."""
    tried: Counter[Code] = Counter()
    while True:
        try:
            return Outcome("done", work())
        except CancelledRunError:
            return Outcome("closed", {})
        except RejectedError as error:
            return Outcome("rejected", {}, error.code, error.detail)
        except FailedError as error:
            tried[error.code] += 1
            if tried[error.code] >= _TRIES.get(error.code, 1):
                return Outcome("failed", {}, error.code, error.detail)
            _logger.warning("trying again: %s", error)
            time.sleep(_PAUSE_S)
        except Exception as error:
            # Whatever it is, the run must end in a state with a reason.
            _logger.exception("a step failed unexpectedly")
            return Outcome("failed", {}, FailedCode.INTERNAL, f"{type(error).__name__}: {error}")
