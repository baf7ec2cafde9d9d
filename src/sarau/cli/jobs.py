"""What is to be done: the files that were named, and a folder of its own for each."""

import errno
import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from sarau.cli import receipts
from sarau.model.filenames import fitting_name, stems
from sarau.model.original import AUDIO_SUFFIXES, is_audio_name

DRAFTS = ".sarau-"
"""What the names of folders begin with where renditions wait until they are finished."""

_NOTHING_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_HLS_SUFFIX = ".hls"
_MADE_SUFFIXES = AUDIO_SUFFIXES | {_HLS_SUFFIX}


@dataclass(frozen=True, slots=True)
class Job:
    """A file to process and where its renditions go."""

    path: Path
    out_dir: Path


def find_files(given: Iterable[Path]) -> Iterator[tuple[Path, Path | None]]:
    """Give each audio file with its place below the directory that was named.

    A directory that cannot be read stands for what is in it, without a place: like a file
    that cannot be read, it fails when its turn comes.
    """
    for root in given:
        if not root.is_dir():
            yield root, Path(root.name)
            continue
        named, shut = _look_into(root)
        for path in sorted(named | shut):
            if path in shut:
                yield path, None
            elif _may_be_file(path):
                yield path, path.relative_to(root)


def find_sources(given: Iterable[Path]) -> Iterator[Path]:
    """Give each audio file, of a directory those only that an earlier call did not make."""
    for root in given:
        shelf = _Shelf(root) if root.is_dir() else None
        for path, _ in find_files([root]):
            if shelf is None or not shelf.has_made(receipts.real_path(path), everything=False):
                yield path


def _look_into(root: Path) -> tuple[set[Path], set[Path]]:
    """Return what is called like audio in a directory, and the directories that are shut."""
    errors: list[OSError] = []
    named = {
        Path(folder, name)
        for folder, _, names in os.walk(root, onerror=errors.append)
        for name in names
        if is_audio_name(name)
    }
    return named, {Path(error.filename) for error in errors if error.errno not in _NOTHING_THERE}


def _may_be_file(path: Path) -> bool:
    """Tell whether it is a file; what cannot be looked at may be one."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        return error.errno not in _NOTHING_THERE


def plan_jobs(given: Iterable[Path], target: Path) -> Iterator[Job]:
    """Give each file a folder of its own below `target`, in the shape of what was named.

    A file gets the folder that it had in an earlier call, and never one with renditions of
    another file. What an earlier call made below `target` is no source.
    """
    shelf = _Shelf(target)
    seen: set[Path] = set()
    for root in given:
        is_inside = shelf.is_inside(root)
        for path, place in find_files([root]):
            where = receipts.real_path(path)
            is_known = where in seen
            seen.add(where)
            if not is_known and not shelf.has_made(where, everything=is_inside):
                yield Job(path, shelf.folder_for(path, place) if place else target)


class _Shelf:
    """The folders below a target, and whose they are."""

    def __init__(self, target: Path) -> None:
        self._target, self._there = target, target.resolve()
        self._taken: set[str] = set()
        self._made: tuple[Path, frozenset[str]] | None = None
        """What is made in the folder that was looked at last."""

    def is_inside(self, root: Path) -> bool:
        """Tell whether the target is a folder in `root`, and only renditions are in it."""
        whole = root.resolve()
        return self._there != whole and self._there.is_relative_to(whole)

    def has_made(self, where: Path, *, everything: bool) -> bool:
        """Tell whether a file is a rendition of ours; with `everything` all of the target is."""
        if not where.is_relative_to(self._there):
            return False
        below = where.relative_to(self._there)
        if everything or any(part.startswith(DRAFTS) for part in below.parts):
            return True
        is_in_set = where.parent.suffix == _HLS_SUFFIX and self._is_made(where.parent)
        return is_in_set or self._is_made(where)

    def _is_made(self, where: Path) -> bool:
        """Tell whether a receipt beside a file, or beside the folder of an HLS set, names it."""
        if self._made is None or self._made[0] != where.parent:
            self._made = where.parent, frozenset(receipts.made_in(where.parent))
        return where.name in self._made[1]

    def folder_for(self, path: Path, place: Path) -> Path:
        """Return the folder that is a file's already, or else the first one that is nobody's."""
        chosen = self._choose(path, place)
        self._taken.add(_key(chosen))
        return self._target / chosen

    def _choose(self, path: Path, place: Path) -> Path:
        first: Path | None = None
        names = enumerate(_names(place))
        while True:
            number, name = next(names)
            if _key(name) in self._taken:
                continue
            folder = self._target / name
            is_own = receipts.is_for(path, folder)
            if is_own:
                return name
            if is_own is None and first is None and _is_free(folder, path):
                first = name
            # The file may have had the second one, when it had a neighbour then.
            if first is not None and number > 0 and not os.path.lexists(folder):
                return first


def _names(place: Path) -> Iterator[Path]:
    """Give what a file's folder may be called: two files may differ only in their suffix."""
    yield place.parent / fitting_name(place, "")
    yield place
    for number in count(2):
        yield place.parent / fitting_name(place, f" ({number})")


def _key(name: Path) -> str:
    """Return what is the same for names that are the same on some disk."""
    return unicodedata.normalize("NFC", str(name).casefold())


def _is_free(folder: Path, path: Path) -> bool:
    """Tell whether nothing would be replaced by what is made of `path` in an unclaimed folder."""
    try:
        there = list(folder.iterdir())
    except OSError:
        return not os.path.lexists(folder)
    begins = tuple(f"{stem}{mark}" for stem in stems(path) for mark in (".", " ("))
    return not any(
        each.suffix.lower() in _MADE_SUFFIXES and each.name.startswith(begins) for each in there
    )
