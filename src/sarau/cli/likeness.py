"""Which of the files of one call are the same recording."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from sarau.cli.report_text import figure, percent
from sarau.model.fingerprint import Fingerprint, Likeness, compare

_MOST_COMPARED = 20
_SAME_PLACE_S = 0.2
_SENTENCES = (
    "Soa como {name}: {score} igual em {matched} s, {where}.",
    "Sounds like {name}: {score} the same over {matched} s, {where}.",
)
_WHERE = {
    "same": ("no mesmo ponto", "at the same place"),
    "later": ("que lá vêm {offset} s depois", "which come {offset} s later there"),
    "earlier": ("que lá vêm {offset} s antes", "which come {offset} s earlier there"),
}


@dataclass(frozen=True, slots=True)
class Alike:
    """A file that another one sounds like."""

    number: int
    """Its place among the files of this call, from 1 on."""
    path: Path
    likeness: Likeness


class Recordings:
    """Knows the fingerprints of the files so far: about 12 kB for one of four minutes."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Path, Fingerprint]] = {}
        self._marks: dict[int, list[int]] = defaultdict(list)
        self._count = 0

    def add(self, path: Path, fingerprint: Fingerprint | None) -> list[Alike]:
        """Return which of the files before it a file sounds like, the likest first."""
        self._count += 1
        if fingerprint is None:
            return []
        marks = fingerprint.marks()
        shared = Counter(number for mark in marks for number in self._marks.get(mark, ()))
        found = []
        for number, _ in shared.most_common(_MOST_COMPARED):
            known, other = self._known[number]
            likeness = compare(fingerprint, other)
            if likeness is not None:
                found.append(Alike(number, known, likeness))
        self._known[self._count] = path, fingerprint
        for mark in marks:
            self._marks[mark].append(self._count)
        return sorted(found, key=lambda one: -one.likeness.score)


def alike_sentence(alike: Alike, name: str, language: str) -> str:
    """Return what a person is told of it; `name` stands for the other file."""
    index = 0 if language == "pt-BR" else 1
    offset_s = alike.likeness.offset_s
    where = "same" if abs(offset_s) < _SAME_PLACE_S else "later" if offset_s > 0 else "earlier"
    return _SENTENCES[index].format(
        name=name,
        score=percent(alike.likeness.score),
        matched=round(alike.likeness.matched_s),
        where=_WHERE[where][index].format(offset=figure(abs(offset_s), language)),
    )
