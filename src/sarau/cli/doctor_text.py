"""What `sarau doctor` found, in words."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sarau.cli.names import shown

_KILO = 1000.0
_ROUNDS_UP = 999.5
"""What has four digits once it is rounded."""
_WORDS = {
    "landlock_abi": "landlock ABI",
    "lame_source": "LAME from",
    "mount_point": "on",
    "sandbox_level": "sandbox",
}
"""What to call what has a name for programs; others lose their underscores."""
_BARE = frozenset({"code", "detail", "kind", "path", "state", "url"})
"""What needs no word before it."""


def lines(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the parts of a report, each under its heading: a label and what to say of it."""
    for part in ("engine", "volumes", "database", "extras"):
        yield part, ""
        for name, value in report[part].items():
            said = _passed(value) if name == "sandbox_checks" else said_of(name, value)
            yield f"  {_word(name)}", said


def said_of(name: str, value: object) -> str:
    """Return a value in words, by what its name says of its unit."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(_with_words(value)) or "none"
    if isinstance(value, (tuple, list)):
        return ", ".join(shown(str(one)) for one in value) or "none"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, int):
        return size(value) if name.endswith("_bytes") else f"{value:,}"
    return shown(str(value))


def size(size_bytes: int) -> str:
    """Return a size in the largest unit of which there is one."""
    number, units = float(size_bytes), ["B", "kB", "MB", "GB", "TB", "PB"]
    while number >= _ROUNDS_UP and len(units) > 1:
        number, units = number / _KILO, units[1:]
    return f"{number:.3g} {units[0]}"


def _with_words(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if value is None:
            continue
        said = said_of(name, value)
        if name == "ok":
            yield "ok" if value else "NOT OK"
        elif name == "used":
            yield "in use" if value else "not in use"
        elif name in {"free_bytes", "free_inodes"}:
            yield f"{said} {'inodes ' if name == 'free_inodes' else ''}free"
        else:
            yield said if name in _BARE else f"{_word(name)} {said}"


def _passed(checks: Mapping[str, bool]) -> str:
    """Say of many checks which ones did not pass."""
    wrong = [name for name, is_stopped in checks.items() if not is_stopped]
    passed = f"{len(checks) - len(wrong)} of {len(checks)} pass"
    return passed + (f"; not stopped: {', '.join(wrong)}" if wrong else "")


def _word(name: str) -> str:
    return _WORDS.get(name, name.replace("_", " "))
