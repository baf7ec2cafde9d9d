"""The trace of a landing: told in its report, as the function itself can send none."""

import math
import re
import secrets
from dataclasses import dataclass
from typing import Any, Final

_TRACEPARENT: Final = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_LATEST_S: Final = 1 << 33
"""What a span's nanoseconds have room for, and more than anything lasts."""


@dataclass(frozen=True, slots=True)
class StageTime:
    """When a stage of the work was."""

    name: str
    began_at: float
    """In seconds since 1970, by the function's clock."""
    duration_s: float

    def __post_init__(self) -> None:
        for seconds in (self.began_at, self.duration_s):
            if not math.isfinite(seconds) or not 0 <= seconds <= _LATEST_S:
                raise ValueError(f"{self.name}: {seconds} s")


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a landing belongs, and the stages of the work on it."""

    traceparent: str
    """What the work is a part of, as W3C Trace Context writes it."""
    work: StageTime
    stages: tuple[StageTime, ...] = ()

    def __post_init__(self) -> None:
        if not _TRACEPARENT.fullmatch(self.traceparent):
            raise ValueError(f"traceparent: {self.traceparent[:100]!r}")

    @property
    def trace_id(self) -> str:
        """Return the trace's own name."""
        return self.traceparent.split("-")[1]


def read_trace(value: Any) -> Trace | None:  # noqa: ANN401 - plain values of any shape
    """Read a trace from plain values; None where a report has none.

    Raises:
        ValueError: They are none.

    """
    if value is None:
        return None
    try:
        stages = tuple(StageTime(**one) for one in value["stages"])
        return Trace(**{**value, "work": StageTime(**value["work"]), "stages": stages})
    except (TypeError, KeyError) as error:
        raise ValueError(f"trace: {error}") from error


def to_traceparent(xray: str | None) -> str:
    """Return the trace that Lambda names, by `X-Amzn-Trace-Id`; a new one where it names none.

    Whether X-Ray keeps it too is X-Ray's own sampling: ours is decided where spans are sent.
    """
    parts = dict(part.partition("=")[::2] for part in (xray or "").split(";"))
    # `Root` is 1, the time and 96 bits; together the latter two are what others call the trace.
    root = parts.get("Root", "").removeprefix("1-").replace("-", "")
    found = f"00-{root}-{parts.get('Parent', '')}-01"
    if _TRACEPARENT.fullmatch(found):
        return found
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
