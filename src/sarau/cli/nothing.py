"""What is said when no file was found to work on, and why: in every language we speak."""

import sys
from collections.abc import Sequence
from pathlib import Path

from sarau.cli.exits import language
from sarau.cli.jobs import find_files
from sarau.cli.names import shown

_MOST_NAMED = 3
_NO_AUDIO = {
    "pt-BR": "nada a fazer: não há original em {where}",
    "en": "nothing to do: there is no source in {where}",
}
_MADE = {
    "pt-BR": "nada a fazer: não há original em {where}, só o que `sarau process` fez;"
    " um arquivo indicado diretamente vale como original",
    "en": "nothing to do: there is no source in {where}, only what `sarau process` made;"
    " a file that is named itself is taken as a source",
}
_MADE_OR_IN_TARGET = {
    "pt-BR": "nada a fazer: não há original em {where}, só o que `sarau process` fez"
    " ou o que está em --to",
    "en": "nothing to do: there is no source in {where}, only what `sarau process` made"
    " or what is in --to",
}


def say_nothing_to_do(given: Sequence[Path], target: Path | None = None) -> None:
    """Say that `find_sources` gave nothing, and what it passed over."""
    where = ", ".join(map(shown, given[:_MOST_NAMED])) + (", ..." if given[_MOST_NAMED:] else "")
    why = _NO_AUDIO
    if any(True for _ in find_files(given)):
        why = _MADE if target is None else _MADE_OR_IN_TARGET
    print("sarau: " + why[language()].format(where=where), file=sys.stderr)
