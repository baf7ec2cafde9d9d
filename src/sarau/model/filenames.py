"""What the renditions of one track are called beside each other."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath
from typing import Final

_LONGEST_STEM_BYTES: Final = 200
"""File systems take names of 255 bytes: this leaves room for any suffix of a rendition."""
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


def short_stem(path: PurePath) -> str:
    """Return the name of a file without its suffix, as what is made of it is called.

    A long one is cut between characters, and a mark tells it from others that begin so.
    """
    whole = os.fsencode(path.stem)
    if len(whole) <= _LONGEST_STEM_BYTES:
        return path.stem
    mark = "~" + hashlib.sha256(whole).hexdigest()[:_MARK_CHARACTERS]
    kept = path.stem
    while len(os.fsencode(kept)) > _LONGEST_STEM_BYTES - len(mark):
        kept = kept[:-1]
    return kept + mark
