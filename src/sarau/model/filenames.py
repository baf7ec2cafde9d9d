"""What the renditions of one track are called beside each other."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath
from typing import Final

_LONGEST_NAME_BYTES: Final = 255
"""What file systems take."""
_CUT_STEM_BYTES: Final = 200
"""This leaves room for any suffix of a rendition."""
_MARK_CHARACTERS: Final = 8


def suffixes(renditions: Iterable[tuple[str, str]]) -> list[str]:
    """Return what follows the track's name for each (rendition name, extension).

    Two that share an extension, such as AAC and ALAC, are told apart by their names.
    """
    known = list(renditions)
    shared = Counter(extension for _, extension in known)
    return [
        f" ({name}).{extension}" if shared[extension] > 1 else f".{extension}"
        for name, extension in known
    ]


def fitting_name(path: PurePath, suffix: str) -> str:
    """Return what a file with `suffix` that is made of `path` is called.

    That is its name with another suffix, and where file systems take no name so long, a cut one.
    """
    whole = path.stem + suffix
    is_fit = len(os.fsencode(whole)) <= _LONGEST_NAME_BYTES
    return whole if is_fit else _cut(path.stem) + suffix


def stems(path: PurePath) -> tuple[str, str]:
    """Return what the names of all that is made of `path` begin with: the whole stem, or a cut."""
    return path.stem, _cut(path.stem)


def _cut(stem: str) -> str:
    """Cut a long stem between characters, with a mark that tells it from others that begin so."""
    whole = os.fsencode(stem)
    if len(whole) <= _CUT_STEM_BYTES:
        return stem
    mark = "~" + hashlib.sha256(whole).hexdigest()[:_MARK_CHARACTERS]
    kept = stem
    while len(os.fsencode(kept)) > _CUT_STEM_BYTES - len(mark):
        kept = kept[:-1]
    return kept + mark
