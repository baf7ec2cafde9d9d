"""File operations that are on disk when they return, or raise.

An error of fsync is final for that file: the kernel may have dropped the dirty
pages and a second fsync would return 0 while the disk holds old data. So nothing
here retries: it is a `LostWriteError`, the caller abandons the file, and its volume
becomes suspect. Every other error is told where it happens and says nothing of what
is on the disk: a name that is gone, bytes that cannot be read, too many open files.
"""

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sarau.errors import FailedCode, FailedError

_KEEP_SIZE = 1
"""FALLOC_FL_KEEP_SIZE of fallocate(2), which Python does not offer."""
_UNREADABLE = frozenset({errno.EIO, errno.EBADMSG, errno.EUCLEAN, errno.ENODATA})
"""What a file system says of blocks that the disk does not give back, or not as they were."""
_fallocate = getattr(ctypes.CDLL(None), "fallocate", None)
"""Only Linux has it."""


class LostWriteError(FailedError):
    """What was written may not be on the disk, whatever it says later; see the module."""


def failure(error: OSError) -> FailedError:
    """Return our error for the system's: `disk_full` where room is missing, else `disk_error`."""
    full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    return FailedError(FailedCode.DISK_FULL if full else FailedCode.DISK_ERROR, str(error))


@contextmanager
def translated() -> Iterator[None]:
    """Turn every `OSError` of the block into a `FailedError`."""
    try:
        yield
    except OSError as error:
        raise failure(error) from error


@contextmanager
def writing() -> Iterator[None]:
    """Turn an `OSError` of writing or syncing bytes into ours; a full disk loses nothing."""
    try:
        yield
    except OSError as error:
        found = failure(error)
        if found.code is FailedCode.DISK_ERROR:
            found = LostWriteError(found.code, found.detail)
        raise found from error


@contextmanager
def reading_source(name: str) -> Iterator[None]:
    """Turn an `OSError` of reading what was received into ours.

    Raises:
        FailedError: `source_missing`; `source_damaged` when its disk does not give the bytes
            back; `disk_full` or `disk_error` when something else went wrong.

    """
    try:
        yield
    except FileNotFoundError as error:
        raise FailedError(FailedCode.SOURCE_MISSING, str(error)) from error
    except OSError as error:
        if error.errno in _UNREADABLE:
            detail = f"{name} cannot be read: {error}"
            raise FailedError(FailedCode.SOURCE_DAMAGED, detail) from error
        raise failure(error) from error


def write_all(fd: int, data: bytes | bytearray | memoryview) -> None:
    """Write all of `data`, looping over short writes (a full disk gives one without an error).

    Raises:
        FailedError: `disk_full` or `disk_error`; part of `data` may have been written.

    """
    rest = memoryview(data).cast("B")
    with writing():
        while rest:
            rest = rest[os.write(fd, rest) :]


def preallocate(fd: int, offset_bytes: int, length_bytes: int) -> None:
    """Have the blocks of a range allocated at once; the file's size stays as it is.

    A block at a time, while it is written, allocation costs as much as the writing. It
    may fail where the file system cannot do it or has no room, and then nothing is lost:
    writing finds out.
    """
    if _fallocate is not None:
        _fallocate(fd, _KEEP_SIZE, ctypes.c_int64(offset_bytes), ctypes.c_int64(length_bytes))


def release_preallocated(fd: int, size_bytes: int) -> None:
    """Give back what was allocated beyond `size_bytes`, which is the file's size."""
    with suppress(OSError):
        os.ftruncate(fd, size_bytes)


def sync(fd: int) -> None:
    """Put the file's bytes and its length on disk.

    Raises:
        FailedError: Final for this file, see the module.

    """
    with writing():
        os.fdatasync(fd)


def sync_all(fd: int) -> None:
    """Put the file's bytes and all that is said of it on disk, its mode among that.

    Raises:
        FailedError: Final for this file, see the module.

    """
    with writing():
        os.fsync(fd)


def fsync_dir(path: Path) -> None:
    """Put the names in the directory `path` on disk.

    Raises:
        FailedError: `disk_error`.

    """
    with translated():
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync_all(fd)
    finally:
        os.close(fd)


def make_dirs(path: Path) -> None:
    """Create `path` and its missing parents, each of their names on disk.

    A directory that exists already is taken to be on disk, except `path` itself:
    whoever created it may have been killed before syncing its name.

    Raises:
        FailedError: `disk_full` or `disk_error`.

    """
    if not path.parent.exists():
        make_dirs(path.parent)
    with translated():
        path.mkdir(exist_ok=True)
    fsync_dir(path.parent)


def create(path: Path, mode: int = 0o600) -> int:
    """Create the file `path`, which must not exist, its name on disk; return it open for writing.

    Raises:
        FailedError: `disk_full` or `disk_error`.

    """
    with translated():
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, mode)
    try:
        fsync_dir(path.parent)
    except BaseException:
        os.close(fd)
        raise
    return fd


def link(source: Path, target: Path) -> bool:
    """Give the file `source` the second name `target`, on disk; False when the name exists.

    Raises:
        FailedError: `disk_full` or `disk_error`.

    """
    with translated():
        try:
            target.hardlink_to(source)
        except FileExistsError:
            return False
    fsync_dir(target.parent)
    return True


def replace(source: Path, target: Path) -> None:
    """Rename `source` to `target` on the same volume, both directories on disk.

    Raises:
        FailedError: `disk_full` or `disk_error`.

    """
    with translated():
        source.replace(target)
    fsync_dir(target.parent)
    if source.parent != target.parent:
        fsync_dir(source.parent)


def unlink(path: Path) -> bool:
    """Remove the name `path`, on disk; False when there is none (which is then on disk too).

    Raises:
        FailedError: `disk_error`.

    """
    with translated():
        try:
            path.unlink()
        except FileNotFoundError:
            existed = False
        else:
            existed = True
    fsync_dir(path.parent)
    return existed
