"""A folder that other programs write into: listed, opened and cleared without trusting names.

Everything is reached from an open directory, part by part and never through a
symbolic link, so nothing that somebody swaps meanwhile leads out of the folder.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from sarau.model.ids import new_id
from sarau.model.original import Identity, is_audio_name
from sarau.storage.volume import SENTINEL

DONE = "done"
REJECTED = "rejected"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEEPEST = 64
_ASIDE = re.compile(r"^\.sarau-[0-9a-z]{32}-")
_LONGEST_NAME_BYTES = 200

OnTrouble = Callable[[str, OSError], None]
"""Called with a path below the folder and what kept it from being read."""


@dataclass(frozen=True, slots=True)
class Original:
    """A file in the folder, as it was seen."""

    parts: tuple[str, ...]
    """Its path below the folder."""
    identity: Identity

    @property
    def name(self) -> str:
        """Return its own name, also when a killed process left it set aside."""
        return _ASIDE.sub("", self.parts[-1])

    @property
    def path(self) -> str:
        """Return its path below the folder, for people: bytes that are no text are replaced."""
        whole = "/".join((*self.parts[:-1], self.name))
        return os.fsencode(whole).decode(errors="replace")


class Folder:
    """One folder, by its path: it may be unmounted and come back."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def scan(self, on_trouble: OnTrouble) -> Iterator[Original]:
        """Give every audio file in the folder, once, in no order.

        `done` and `rejected`, hidden folders and Sarau's own volumes are left out.

        Raises:
            OSError: The folder itself cannot be read.

        """
        fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        yield from _walk(fd, (), on_trouble)

    @contextmanager
    def _directory(self, parts: tuple[str, ...], *, make: bool = False) -> Iterator[int]:
        fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts:
                if make:
                    _make_directory(part, fd)
                below = os.open(part, _DIRECTORY, dir_fd=fd)
                os.close(fd)
                fd = below
            yield fd
        finally:
            os.close(fd)

    def open(self, original: Original) -> int:
        """Open a file for reading; the caller looks whether it is still the same.

        Raises:
            OSError: It is gone, unreadable, or no longer an ordinary file.

        """
        with self._directory(original.parts[:-1]) as parent:
            # Without O_NONBLOCK a pipe that took the file's name would hold us for ever.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            return os.open(original.parts[-1], flags, dir_fd=parent)

    def remove(self, original: Original) -> bool:
        """Delete a file; False, and it stays, when it is no longer the same.

        Raises:
            OSError: It cannot be deleted.

        """
        with self._directory(original.parts[:-1]) as parent:
            aside = _set_aside(original, parent)
            if aside is None:
                return False
            with _put_back_on_error(aside, parent, original.name):
                os.unlink(aside, dir_fd=parent)
        return True

    def move(self, original: Original, into: str) -> bool:
        """Move a file to the same place below `into`; False when it is no longer the same.

        Nothing there is ever replaced: a second file of a name gets a number.

        Raises:
            OSError: It cannot be moved.

        """
        folders = original.parts[:-1]
        with (
            self._directory(folders) as parent,
            self._directory((into, *folders), make=True) as target,
        ):
            aside = _set_aside(original, parent)
            if aside is None:
                return False
            with _put_back_on_error(aside, parent, original.name):
                _place(aside, parent, original.name, target)
        return True


def _walk(fd: int, parts: tuple[str, ...], on_trouble: OnTrouble) -> Iterator[Original]:
    """Give the files below the directory `fd`, which is closed at the end.

    What cannot be read below the folder keeps nothing else in it from being found.
    """
    folders: list[str] = []
    try:
        try:
            yield from _list(fd, parts, folders, on_trouble)
        except OSError as error:
            if not parts:
                raise
            on_trouble("/".join(parts), error)
        for name in folders:
            try:
                below = os.open(name, _DIRECTORY, dir_fd=fd)
            except OSError as error:
                on_trouble("/".join((*parts, name)), error)
                continue
            yield from _walk(below, (*parts, name), on_trouble)
    finally:
        os.close(fd)


def _list(
    fd: int, parts: tuple[str, ...], folders: list[str], on_trouble: OnTrouble
) -> Iterator[Original]:
    """Give the files in one directory, and add the directories in it to `folders`.

    Raises:
        OSError: It cannot be listed, or not be entered.

    """
    if _look(fd, SENTINEL) is not None and parts:
        return
    with os.scandir(fd) as entries:
        for entry in entries:
            try:
                found = _examine(fd, entry, parts, folders)
            except OSError as error:
                on_trouble("/".join((*parts, entry.name)), error)
                continue
            if found is not None:
                yield Original((*parts, entry.name), Identity.of(found))


def _examine(
    fd: int, entry: "os.DirEntry[str]", parts: tuple[str, ...], folders: list[str]
) -> os.stat_result | None:
    """Return what is known of a file that is wanted; add a directory to `folders`."""
    if entry.is_dir(follow_symlinks=False):
        if _is_entered(entry.name, parts):
            folders.append(entry.name)
        return None
    return _look(fd, entry.name) if is_audio_name(_ASIDE.sub("", entry.name)) else None


def _look(fd: int, name: str) -> os.stat_result | None:
    """Return what is known of an ordinary file, None when there is none."""
    try:
        found = os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _is_entered(name: str, parts: tuple[str, ...]) -> bool:
    is_ours = not parts and name in {DONE, REJECTED}
    return not is_ours and not name.startswith(".") and len(parts) < _DEEPEST


def _make_directory(name: str, parent: int) -> None:
    try:
        os.mkdir(name, dir_fd=parent)
    except FileExistsError:
        return


def _set_aside(original: Original, parent: int) -> str | None:
    """Rename a file to a name of ours and look at it there; None when it was another one.

    Between a look and a deletion somebody could rename a new file over it. A file that
    a killed process leaves aside is found by the next scan under its own name.
    """
    stem, dot, suffix = original.name.rpartition(".")
    short = os.fsdecode(os.fsencode(stem)[:_LONGEST_NAME_BYTES])
    aside = f".sarau-{new_id()}-{short}{dot}{suffix}"
    os.rename(original.parts[-1], aside, src_dir_fd=parent, dst_dir_fd=parent)
    found = _look(parent, aside)
    if found is not None and Identity.of(found).is_like(original.identity):
        return aside
    _place(aside, parent, original.name, parent)
    return None


@contextmanager
def _put_back_on_error(aside: str, parent: int, name: str) -> Iterator[None]:
    try:
        yield
    except OSError:
        _place(aside, parent, name, parent)
        raise


def _place(aside: str, parent: int, name: str, target: int) -> None:
    """Give a file that was set aside a name in `target` that no other file has."""
    stem, dot, suffix = name.rpartition(".")
    for number in count(1):
        wanted = name if number == 1 else f"{stem} ({number}){dot}{suffix}"
        try:
            # The name is taken before it is used: a rename would replace another's file.
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
            os.close(os.open(wanted, flags, 0o600, dir_fd=target))
        except FileExistsError:
            continue
        os.rename(aside, wanted, src_dir_fd=parent, dst_dir_fd=target)
        return
