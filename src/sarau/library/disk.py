"""The library on a local disk: `objects/ab/<sha256>`, made by link, never by rename.

The order of each operation is the one that no power cut breaks (docs/guide/durability.md):
bytes on disk, then the name on disk, then the caller's transaction.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sarau.errors import FailedCode, FailedError
from sarau.library.store import ObjectRef
from sarau.model.ids import new_id
from sarau.storage import Volume, durable

_CHUNK_BYTES = 1 << 20
_READ_ONLY = 0o444


class DiskLibrary:
    """An `ObjectStore` on one volume."""

    def __init__(self, volume: Volume) -> None:
        self.volume = volume
        for name in ("objects", "work"):
            durable.make_dirs(volume.path(name))

    def put(self, path: Path, expected_sha256: str | None = None) -> ObjectRef:
        """Copy a file in; see `ObjectStore.put`."""
        draft = self.volume.path("work", f"{new_id()}.draft")
        with self._writing(), _closing(durable.create(draft)) as fd:
            try:
                found = self._copy(path, fd)
                if expected_sha256 not in {None, found.sha256}:
                    raise FailedError(
                        FailedCode.SOURCE_DAMAGED,
                        f"{path.name} reads as {found.sha256}, was received as {expected_sha256}",
                    )
                self._sync(fd)
                self._name(draft, found)
            finally:
                draft.unlink(missing_ok=True)
        return found

    def adopt(self, path: Path) -> ObjectRef:
        """Make a file of the work directory an object; see `ObjectStore.adopt`."""
        with self._writing(), _closing(_open(path)) as fd:
            found = _hash(fd)
            self._sync(fd)
            self._name(path, found)
            durable.unlink(path)
        return found

    def path_of(self, sha256: str) -> Path:
        """Return where an object is; see `ObjectStore.path_of`."""
        path = self._path(sha256)
        if not path.is_file():
            raise FailedError(FailedCode.OBJECT_MISSING, f"object {sha256} is not in the library")
        return path

    def verify(self, sha256: str) -> bool:
        """Hash an object again; see `ObjectStore.verify`."""
        with _closing(_open(self.path_of(sha256))) as fd:
            return _hash(fd).sha256 == sha256

    def remove(self, sha256: str) -> None:
        """Remove an object; see `ObjectStore.remove`."""
        if self._path(sha256).parent.is_dir():
            with self._writing():
                durable.unlink(self._path(sha256))

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
        if path.exists():
            with durable.translated():
                shutil.rmtree(path)

    def work_dirs(self) -> list[str]:
        """Return the names of all work directories; see `ObjectStore.work_dirs`."""
        with durable.translated():
            return [entry.name for entry in self.volume.path("work").iterdir() if entry.is_dir()]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Write only to our own mounted disk, and to no disk that reported an error before."""
        self.volume.require()
        try:
            yield
        except FailedError as error:
            if error.code is FailedCode.DISK_ERROR:
                self.volume.mark_suspect(error)
            raise

    def _path(self, sha256: str) -> Path:
        return self.volume.path("objects", sha256[:2], sha256)

    def _copy(self, path: Path, fd: int) -> ObjectRef:
        digest = hashlib.sha256()
        size_bytes = 0
        try:
            source = path.open("rb", buffering=0)
        except FileNotFoundError as error:
            raise FailedError(FailedCode.SOURCE_MISSING, str(error)) from error
        with source, durable.translated():
            while chunk := source.read(_CHUNK_BYTES):
                digest.update(chunk)
                durable.write_all(fd, chunk)
                size_bytes += len(chunk)
        return ObjectRef(digest.hexdigest(), size_bytes)

    def _sync(self, fd: int) -> None:
        """Put bytes and mode on disk; an error here is final for the file."""
        with durable.translated():
            os.fchmod(fd, _READ_ONLY)
            os.fsync(fd)

    def _name(self, draft: Path, found: ObjectRef) -> None:
        """Give a synced file its place; what is there already is checked, not trusted."""
        path = self._path(found.sha256)
        durable.make_dirs(path.parent)
        if durable.link(draft, path):
            return
        # Another run, or this one before a crash, linked the same bytes: make sure
        # that they are right and on disk before anybody says so.
        with _closing(_open(path)) as fd:
            if _hash(fd) != found:
                raise FailedError(FailedCode.DISK_ERROR, f"object {found.sha256} is damaged")
            self._sync(fd)
        durable.fsync_dir(path.parent)


def _open(path: Path) -> int:
    with durable.translated():
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


@contextmanager
def _closing(fd: int) -> Iterator[int]:
    try:
        yield fd
    finally:
        os.close(fd)


def _hash(fd: int) -> ObjectRef:
    digest = hashlib.sha256()
    size_bytes = 0
    with durable.translated():
        while chunk := os.pread(fd, _CHUNK_BYTES, size_bytes):
            digest.update(chunk)
            size_bytes += len(chunk)
    return ObjectRef(digest.hexdigest(), size_bytes)
