"""Rooms for drafts: folders where renditions wait until they are finished.

A room is known by its name and by a mark in it, and it is in use as long as its mark is locked.
A folder that only has such a name is somebody's own.
"""

import contextlib
import errno
import fcntl
import functools
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

_PREFIX = ".sarau-draft-"
_MARK = "made-by-sarau.txt"
_TEXT = b"Drafts of `sarau process`. What an ended call has left here is removed by another one.\n"
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL})
"""What flock(2) says on disks that have no locks."""


def is_room(folder: Path) -> bool:
    """Tell whether a folder is one of ours and nothing that only has such a name."""
    mark = folder / _MARK
    try:
        return folder.name.startswith(_PREFIX) and mark.is_file() and mark.read_bytes() == _TEXT
    except OSError:
        return False


@contextlib.contextmanager
def room(beside: Path) -> Iterator[Path]:
    """Make a room in the folder `beside`; it goes with the block.

    Raises:
        OSError: none could be made.

    """
    with contextlib.ExitStack() as held:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=beside))
        try:
            # It has its mark only when that is locked: nobody takes it for one that was left.
            mark = held.enter_context((folder / "mark").open("xb", buffering=0))
            mark.write(_TEXT)
            _lock(mark.fileno())
            (folder / "mark").replace(folder / _MARK)
            yield folder
        finally:
            _remove(folder)


class Rooms:
    """Folders for drafts of many tracks: where their targets are neighbours, they share a room.

    So an album needs no more open files than a track. Where nothing can be moved from there into
    the targets, each has a room of its own in it.
    """

    def __init__(self, held: contextlib.ExitStack) -> None:
        self._held = held
        self._made: dict[Path, Path] = {}
        """By the folder they are in."""
        self._turn = threading.Lock()

    def folder_for(self, target: Path) -> Path:
        """Make a folder for drafts of what is to be put into `target`, which is made too.

        Raises:
            OSError: one of them could not be made.

        """
        target.mkdir(parents=True, exist_ok=True)
        try:
            return self._folder_in(target.parent, target)
        except OSError:
            return Path(tempfile.mkdtemp(dir=self._room_in(target)))

    def _folder_in(self, beside: Path, target: Path) -> Path:
        """Make a folder in a room elsewhere, in the way that what is finished goes back.

        Mounts of one disk have the same number, and yet nothing is moved between them.
        """
        room = self._room_in(beside)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=target))
        try:
            return folder.rename(room / folder.name)
        except OSError:
            folder.rmdir()
            raise

    def _room_in(self, beside: Path) -> Path:
        with self._turn:
            if beside not in self._made:
                _remove_left_once(beside)
                self._made[beside] = self._held.enter_context(room(beside))
            return self._made[beside]


@contextlib.contextmanager
def rooms() -> Iterator[Rooms]:
    """Give rooms that go with the block, and all that is in them."""
    with contextlib.ExitStack() as held:
        yield Rooms(held)


@functools.cache
def _remove_left_once(beside: Path) -> None:
    """Look into a folder of many tracks for the first of them only."""
    with contextlib.suppress(OSError):
        remove_left(beside)


def remove_left(beside: Path) -> None:
    """Remove the rooms that killed processes left in a folder, where the disk has locks."""
    for folder in filter(is_room, beside.glob(f"{_PREFIX}*")):
        # It may be gone by now, or be that of another user. NFS locks only what may be written.
        gone = contextlib.suppress(FileNotFoundError, PermissionError)
        with gone, (folder / _MARK).open("r+b", buffering=0) as mark:
            if _lock(mark.fileno()):
                _remove(folder)


def _lock(number: int) -> bool:
    """Lock an open file as long as it is open, and tell whether that was done.

    Raises:
        OSError: this says nothing of whether it is in use.

    """
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True


def _remove(folder: Path) -> None:
    """Remove a room, its mark last: what is left when this is killed is still known as ours.

    So is what cannot be removed now, and the next call tries it again.
    """
    with contextlib.suppress(OSError):
        # This is enough for one that was never used, and opens no file when there are too many.
        folder.rmdir()
    with contextlib.suppress(OSError):
        for each in folder.iterdir():
            if each.name == _MARK:
                continue
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each)
            else:
                each.unlink()
        (folder / _MARK).unlink(missing_ok=True)
        folder.rmdir()
