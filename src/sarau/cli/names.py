"""Names of files as text. On Linux they are bytes, and anybody may have chosen them."""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_SURROGATES = "\ud800-\udfff"
_NOT_TEXT = re.compile(f"[{_SURROGATES}]")
# A terminal obeys control characters; marks of direction make a name look like another one.
_NOT_PRINTED = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069{_SURROGATES}]")
_BYTES = range(0xDC80, 0xDD00)
"""What Python reads bytes as that are no UTF-8 (PEP 383)."""
_BYTE = 0x100


def shown(name: Path | str) -> str:
    r"""Return a name for people: what cannot be printed stands as its number, as in `caf\xe9`."""
    return _NOT_PRINTED.sub(_numbered, str(name))


def labels(paths: Iterable[Path]) -> dict[Path, str]:
    """Return what to call each file among others: namesakes with the folders they are in."""
    alike: dict[str, list[Path]] = defaultdict(list)
    for path in dict.fromkeys(paths):
        alike[path.name].append(path)
    found = {}
    for name, those in alike.items():
        above = os.path.commonpath([path.absolute().parent for path in those])
        for path in those:
            label = os.path.relpath(path.absolute(), above) if len(those) > 1 else name
            found[path] = shown(label)
    return found


def document(record: dict[str, Any]) -> str:
    r"""Return a record as one line of JSON that every parser takes.

    Names are told as they are; a byte that is no UTF-8 stands as `\xe9`, in four characters.
    """
    return json.dumps(_as_text(record))


def _as_text(value: Any) -> Any:  # noqa: ANN401 - whatever JSON has
    if isinstance(value, str):
        return _NOT_TEXT.sub(_numbered, value)
    if isinstance(value, dict):
        return {_as_text(key): _as_text(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_text(each) for each in value]
    return value


def _numbered(found: re.Match[str]) -> str:
    number = ord(found[0])
    number -= 0xDC00 if number in _BYTES else 0
    return f"\\x{number:02x}" if number < _BYTE else f"\\u{number:04x}"
