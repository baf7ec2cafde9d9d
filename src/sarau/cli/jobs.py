"""What is to be done: the files that were named, and a folder of its own for each."""

import contextlib
import errno
import os
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from sarau.cli import receipts
from sarau.cli.made import HLS_SUFFIX, Made
from sarau.model.filenames import fitting_name, stems
from sarau.model.original import AUDIO_SUFFIXES, is_audio_name

_NOTHING_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_MADE_SUFFIXES = AUDIO_SUFFIXES | {HLS_SUFFIX}
_FILE_SUFFIXES = _MADE_SUFFIXES | {".json"}
"""With that of receipts."""


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


def find_sources(
    given: Iterable[Path], target: Path | None = None
) -> Iterator[tuple[Path, Path | None]]:
    """Give what `find_files` does, without what was made by an earlier call.

    That is told by the receipts beside it, wherever it lies, and in a directory where `target`
    is all that is in there. A file that was named itself is a source, unless it was made below
    this very `target`.
    """
    made = Made()
    there = target.resolve() if target else None
    for root in given:
        whole = root.resolve() if root.is_dir() else None
        inside = there if whole and there != whole and _is_in(there, whole) else None
        for path, place in find_files([root]):
            where = receipts.real_path(path)
            if _is_in(where, inside):
                continue
            home = whole or (there if _is_in(where, there) else None)
            if home is None or not made.has(where, home):
                yield path, place


def _is_in(path: Path | None, folder: Path | None) -> bool:
    return path is not None and folder is not None and path.is_relative_to(folder)


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
    another file.
    """
    shelf = _Shelf(target)
    seen: set[Path] = set()
    for path, place in find_sources(given, target):
        where = receipts.real_path(path)
        if where not in seen:
            seen.add(where)
            yield Job(path, shelf.folder_for(path, place) if place else target)


class _Shelf:
    """The folders below a target, and whose they are."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._taken: dict[str, tuple[str, ...]] = {}
        """What the names of all that is made in a folder begin with."""
        self._like_files: dict[str, set[str]] = defaultdict(set)
        """The folders in a folder that are called like files of ours."""
        self._claimed: dict[Path, tuple[str, ...]] = {}
        """What the names begin with of all that earlier calls made in a folder."""

    def folder_for(self, path: Path, place: Path) -> Path:
        """Return the folder that is a file's already, or else the first one that is nobody's."""
        chosen = self._choose(path, self._beside_files(place))
        self._taken[_key(chosen)] = _begins(stems(path))
        for folder in (chosen, *chosen.parents):
            if folder.suffix.lower() in _FILE_SUFFIXES:
                self._like_files[_key(folder.parent)].add(_key(folder.name))
        return self._target / chosen

    def _beside_files(self, place: Path) -> Path:
        """Return a place with another name for what is a file of ours and no folder."""
        parent = Path()
        for part in place.parent.parts:
            names = (Path(part if number == 1 else f"{part} ({number})") for number in count(1))
            parent = next(parent / name for name in names if not self._is_file(parent / name))
        return parent / place.name

    def _is_file(self, name: Path) -> bool:
        """Tell whether a file of a job may be called so."""
        if name.suffix.lower() not in _FILE_SUFFIXES:
            return False
        called = _key(name.name)
        if called.startswith(self._taken.get(_key(name.parent), ())):
            return True
        folder = self._target / name.parent
        if folder not in self._claimed:
            self._claimed[folder] = tuple(receipts.stems_in(folder))
        is_claimed = called.startswith(_begins(self._claimed[folder]))
        return is_claimed and not any(receipts.stems_in(self._target / name))

    def _hides_file(self, name: Path, path: Path) -> bool:
        """Tell whether a folder of another job is where a file that is made of `path` would be."""
        begins = _begins(stems(path))
        if any(each.startswith(begins) for each in self._like_files.get(_key(name), ())):
            return True
        with contextlib.suppress(OSError):
            return any(
                each.suffix.lower() in _FILE_SUFFIXES
                and _key(each.name).startswith(begins)
                and each.is_dir()
                and (each.suffix.lower() != HLS_SUFFIX or any(receipts.stems_in(each)))
                for each in (self._target / name).iterdir()
            )
        return False

    def _choose(self, path: Path, place: Path) -> Path:
        first: Path | None = None
        names = enumerate(_names(place))
        while True:
            number, name = next(names)
            is_taken = _key(name) in self._taken or self._is_file(name)
            if is_taken or self._hides_file(name, path):
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


def _key(name: Path | str) -> str:
    """Return what is the same for names that are the same on some disk."""
    return unicodedata.normalize("NFC", str(name).casefold())


def _begins(stems: Iterable[str]) -> tuple[str, ...]:
    """Return what the keys of the names of all that is made of a file begin with."""
    return tuple(_key(f"{stem}{mark}") for stem in stems for mark in (".", " ("))


def _is_free(folder: Path, path: Path) -> bool:
    """Tell whether nothing would be replaced by what is made of `path` in an unclaimed folder."""
    try:
        there = list(folder.iterdir())
    except OSError:
        return not os.path.lexists(folder)
    begins = _begins(stems(path))
    return not any(
        each.suffix.lower() in _MADE_SUFFIXES and _key(each.name).startswith(begins)
        for each in there
    )
