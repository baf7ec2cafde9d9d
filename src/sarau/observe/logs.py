"""The log: one line per event, as JSON or as text, without secrets and without forgeries.

What comes from outside (names, paths, messages of libraries) may hold line breaks and
terminal commands. JSON is written in ASCII, so each of them arrives escaped; in text
they are escaped too, and a traceback's lines are indented so that none looks like an
event of its own.
"""

import json
import logging
import re
import sys
import time
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final

from sarau.observe.context import bound

FORMS: Final = ("text", "json")
_HIDDEN: Final = "[hidden]"
_LONGEST: Final = 4000
_SHORTEST_SECRET: Final = 4
_ADDRESS: Final = re.compile(r"(\w://[^\s/:@]*):[^\s/@]+@")
_BEARER: Final = re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',]+")
_NOISY: Final = ("uvicorn", "alembic", "dbos", "httpx")


def configure(form: str, secrets: Collection[str] = ()) -> None:
    """Send the log to standard error in `form`; never a word of `secrets`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(form, secrets))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.raiseExceptions = False
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)


def say(logger: logging.Logger, event: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Log an event with its figures; those that are None are left out."""
    given = {name: value for name, value in fields.items() if value is not None}
    logger.log(level, event, extra={"fields": given})


class _Lines(logging.Formatter):
    """Writes a record as one line (and, as text, a traceback below it)."""

    def __init__(self, form: str, secrets: Collection[str]) -> None:
        super().__init__()
        self._form = form
        # The longest first: one secret may be the beginning of another.
        usable = sorted({s for s in secrets if len(s) >= _SHORTEST_SECRET}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, usable))) if usable else None

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._clean(record.getMessage()),
        }
        fields = {**bound(), **getattr(record, "fields", {})}
        event |= {
            name: value if isinstance(value, int | float) else self._clean(str(value))
            for name, value in fields.items()
        }
        trace = self._clean(self.formatException(record.exc_info)) if record.exc_info else None
        if self._form == "json":
            if trace is not None:
                event["traceback"] = trace
            return json.dumps(event, default=str)
        return _as_text(event, trace)

    def _clean(self, text: str) -> str:
        if self._secrets is not None:
            text = self._secrets.sub(_HIDDEN, text)
        # A line is written for every request, and hardly any has these in it.
        if "@" in text:
            text = _ADDRESS.sub(rf"\1:{_HIDDEN}@", text)
        lowered = text.lower()
        if "bearer" in lowered or "basic" in lowered:
            text = _BEARER.sub(rf"\1 {_HIDDEN}", text)
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def _as_text(event: dict[str, Any], trace: str | None) -> str:
    head = [event.pop(name) for name in ("at", "level", "logger", "message")]
    line = f"{head[0]} {head[1].upper()} {head[2]}: {_printable(head[3])}"
    line += "".join(f" {name}={_printable(str(value))}" for name, value in event.items())
    if trace is None:
        return line
    return line + "".join(f"\n    | {_printable(one)}" for one in trace.split("\n"))


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Stopwatch:
    """How long something takes, in seconds."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    @property
    def duration_s(self) -> float:
        """Return the time since it was made."""
        return time.monotonic() - self._started
