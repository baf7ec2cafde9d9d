"""What the renditions of one track are called beside each other."""

from collections import Counter
from collections.abc import Iterable


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
