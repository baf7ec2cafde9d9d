"""The room to work in: drafts and work directories on a local volume, under every library."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sarau.errors import FailedCode, FailedError
from sarau.library.store import ObjectRef
from sarau.storage import Volume, durable

_CHUNK_BYTES = 1 << 20
_READ_ONLY = 0o444


class WorkRoom:
    """Work directories of runs, and the only way a library writes to its volume."""

    def __init__(self, volume: Volume) -> None:
        self.volume = volume
        durable.make_dirs(volume.path("work"))

    def make_work_dir(self, name: str) -> Path:
        """Return a new empty directory; see `ObjectStore.make_work_dir`."""
        self.volume.require()
        self.remove_work_dir(name)
        path = self.volume.path("work", name)
        with durable.translated():
            path.mkdir()
        return path

    def remove_work_dir(self, name: str) -> None:
        """Remove a work directory; see `ObjectStore.remove_work_dir`."""
        path = self.volume.path("work", name)
        # Whoever else removes it goes on with what is left.
        with durable.translated(), suppress(FileNotFoundError):
            shutil.rmtree(path)

    def work_dirs(self) -> list[str]:
        """Return the names of all work directories; see `ObjectStore.work_dirs`."""
        with durable.translated():
            return [entry.name for entry in self.volume.path("work").iterdir() if entry.is_dir()]

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write only to our own mounted disk, and to no disk that lost what was written."""
        self.volume.require()
        with self.volume.watched():
            yield


def copy(path: Path, fd: int, expected_sha256: str | None) -> ObjectRef:
    """Copy the file `path` into an open one, hashing what is read.

    Raises:
        FailedError: `source_missing`, `disk_full`, `disk_error`, and `source_damaged` when
            the bytes cannot be read or do not have `expected_sha256`.

    """
    digest = hashlib.sha256()
    size_bytes = 0
    with durable.reading_source(path.name), path.open("rb", buffering=0) as source:
        # An error of writing is ours already, and the other disk's.
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
            durable.write_all(fd, chunk)
            size_bytes += len(chunk)
    found = ObjectRef(digest.hexdigest(), size_bytes)
    if expected_sha256 not in {None, found.sha256}:
        raise FailedError(
            FailedCode.SOURCE_DAMAGED,
            f"{path.name} reads as {found.sha256}, was received as {expected_sha256}",
        )
    return found


def sync_read_only(fd: int) -> None:
    """Put bytes and mode on disk; an error here is final for the file."""
    with durable.translated():
        os.fchmod(fd, _READ_ONLY)
    durable.sync_all(fd)


def drop(path: Path) -> None:
    """Remove the name of a file in a work directory, which may be gone with its run.

    Whether that is on disk does not matter: what a crash leaves there is removed later.
    """
    with durable.translated():
        path.unlink(missing_ok=True)


def open_read_only(path: Path) -> int:
    """Open a file.

    Raises:
        FailedError: `disk_error`.

    """
    with durable.translated():
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


@contextmanager
def closing(fd: int) -> Iterator[int]:
    """Close a descriptor at the end."""
    try:
        yield fd
    finally:
        os.close(fd)


def hash_file(fd: int) -> ObjectRef:
    """Read an open file through and return what it is.

    Raises:
        FailedError: `disk_error`.

    """
    digest = hashlib.sha256()
    size_bytes = 0
    with durable.translated():
        while chunk := os.pread(fd, _CHUNK_BYTES, size_bytes):
            digest.update(chunk)
            size_bytes += len(chunk)
    return ObjectRef(digest.hexdigest(), size_bytes)
