"""The sentences of the pages, which their scripts and the report of the command line say too."""

import json
from functools import cache
from pathlib import Path


@cache
def strings(language: str) -> dict[str, str]:
    """Return the sentences in a language, by their keys."""
    path = Path(__file__).parent / "pages" / "strings" / f"{language}.json"
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return found
