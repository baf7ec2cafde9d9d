"""The library on a local disk: `objects/ab/<sha256>`, made by link, never by rename.

The order of each operation is the one that no power cut breaks (docs/guide/durability.md):
bytes on disk, then the name on disk, then the caller's transaction.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sarau.errors import FailedCode, FailedError
from sarau.library.store import ObjectRef
from sarau.library.work import (
    WorkRoom,
    closing,
    copy,
    drop,
    hash_file,
    open_read_only,
    sync_read_only,
)
from sarau.model.clock import now
from sarau.model.ids import new_id
from sarau.storage import Volume, VolumeStatus, durable

_DRAFT = ".draft"
_DRAFT_AGE = timedelta(hours=1)


class DiskLibrary(WorkRoom):
    """An `ObjectStore` on one volume."""

    role = "library"

    def __init__(self, volume: Volume) -> None:
        super().__init__(volume)
        durable.make_dirs(volume.path("objects"))
        self._sweep()

    def _sweep(self) -> None:
        """Remove drafts that a killed process left; one that is written to is never so old."""
        for draft in self.volume.path("work").glob(f"*{_DRAFT}"):
            # Another process that starts may have removed it meanwhile.
            with durable.translated(), suppress(FileNotFoundError):
                if now() - datetime.fromtimestamp(draft.stat().st_mtime, UTC) > _DRAFT_AGE:
                    draft.unlink()

    def close(self) -> None:
        """Close nothing: a disk has no connections."""

    def check(self) -> VolumeStatus:
        """Look whether objects can be kept; see `ObjectStore.check`."""
        return self.volume.check()

    def put(self, path: Path, expected_sha256: str | None = None) -> ObjectRef:
        """Copy a file in; see `ObjectStore.put`."""
        draft = self.volume.path("work", f"{new_id()}{_DRAFT}")
        with self.writing(), closing(durable.create(draft)) as fd:
            try:
                found = copy(path, fd, expected_sha256)
                self._sync(fd)
                self._name(draft, found)
            finally:
                with suppress(OSError):  # a later start removes what stays
                    draft.unlink()
        return found

    def adopt(self, path: Path) -> ObjectRef:
        """Make a file of the work directory an object; see `ObjectStore.adopt`."""
        with self.writing(), closing(open_read_only(path)) as fd:
            found = hash_file(fd)
            self._sync(fd)
            self._name(path, found)
            drop(path)
        return found

    @contextmanager
    def local(self, sha256: str) -> Iterator[Path]:
        """Return where an object is; see `ObjectStore.local`."""
        yield self.path_of(sha256)

    def is_near(self, _sha256: str) -> bool:
        """Say that it is; see `ObjectStore.is_near`."""
        return True

    def require(self, sha256: str) -> None:
        """Return when an object is there; see `ObjectStore.require`."""
        self.path_of(sha256)

    def path_of(self, sha256: str) -> Path:
        """Return where an object is.

        Raises:
            FailedError: `object_missing`, `disk_error`; `volume_missing` or
                `volume_mismatch`, when the object may well be on the disk that is not mounted.

        """
        path = self._path(sha256)
        with durable.translated():
            try:
                path.stat()
            except FileNotFoundError:
                self.volume.require_own()
                detail = f"object {sha256} is not in the library"
                raise FailedError(FailedCode.OBJECT_MISSING, detail) from None
        return path

    def download_url(
        self,
        sha256: str,  # noqa: ARG002 - the port's signature
        *,
        disposition: str,  # noqa: ARG002 - as above
        media_type: str,  # noqa: ARG002 - as above
    ) -> str | None:
        """Return None: a disk has no address; see `ObjectStore.download_url`."""
        return None

    def verify(self, sha256: str) -> bool:
        """Hash an object again; see `ObjectStore.verify`."""
        with closing(open_read_only(self.path_of(sha256))) as fd:
            return hash_file(fd).sha256 == sha256

    def remove(self, sha256: str) -> None:
        """Remove an object; see `ObjectStore.remove`."""
        if self._path(sha256).parent.is_dir():
            with self.writing():
                if durable.unlink(self._path(sha256)):
                    return
        # Nothing is gone from a disk that is only not mounted.
        self.volume.require_own()

    def _sync(self, fd: int) -> None:
        sync_read_only(fd)

    def _path(self, sha256: str) -> Path:
        return self.volume.path("objects", sha256[:2], sha256)

    def _name(self, draft: Path, found: ObjectRef) -> None:
        """Give a synced file its place; what is there already is checked, not trusted."""
        path = self._path(found.sha256)
        durable.make_dirs(path.parent)
        if durable.link(draft, path):
            return
        # Another run, or this one before a crash, linked the same bytes: make sure
        # that they are right and on disk before anybody says so.
        with closing(open_read_only(path)) as fd:
            if hash_file(fd) != found:
                raise FailedError(FailedCode.OBJECT_DAMAGED, f"object {found.sha256} is damaged")
            self._sync(fd)
        durable.fsync_dir(path.parent)
