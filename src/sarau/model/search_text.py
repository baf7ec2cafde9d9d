"""What is searched: names without accents, case and punctuation, the same on every database."""

import re
import unicodedata

_BETWEEN = re.compile(r"[\W_]+")


def fold(*names: str | None) -> str:
    """Return the words of some names, with a space before each and one at the end.

    `fold("São João", "01_tema.wav")` is " sao joao 01 tema wav ".
    """
    apart = unicodedata.normalize("NFKD", " ".join(name for name in names if name))
    bare = "".join(one for one in apart if not unicodedata.combining(one))
    words = _BETWEEN.sub(" ", bare.casefold()).split()
    return f" {' '.join(words)} " if words else ""


def patterns(text: str) -> list[str]:
    """Return what must stand in a folded text, all of it, for a search to find it.

    Three characters or more are found wherever they stand; fewer, where a word begins.
    """
    return [f" {word}" if len(word) < SHORTEST_INSIDE else word for word in fold(text).split()]


SHORTEST_INSIDE = 3


def grams(pattern: str) -> list[str]:
    """Return the pieces of three characters of a pattern; of a shorter one, itself."""
    ends = range(SHORTEST_INSIDE, len(pattern) + 1)
    return sorted({pattern[end - SHORTEST_INSIDE : end] for end in ends} or {pattern})
