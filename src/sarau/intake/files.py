"""The files of uploads on disk D, one each, named by the upload's id."""

import hashlib
import os
from pathlib import Path

from sarau.errors import FailedCode, FailedError, RefusedCode, RefusedError
from sarau.intake.appender import lock
from sarau.model.ids import UploadId
from sarau.model.lifecycle import UploadState
from sarau.model.upload import Upload
from sarau.storage import Volume, durable


class Files:
    """Names, creates, opens and removes the files of uploads."""

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        durable.make_dirs(volume.path("uploads"))

    def of(self, upload_id: UploadId) -> Path:
        """Return where an upload's file is, or would be."""
        return self._volume.path("uploads", upload_id)

    def make(self, upload_id: UploadId) -> None:
        """Create an empty file, its name on disk.

        Raises:
            FailedError: `disk_full` or `disk_error`; then there is no file.

        """
        with self._volume.watched():
            os.close(durable.create(self.of(upload_id)))

    def make_whole(self, upload_id: UploadId, body: bytes | memoryview) -> str:
        """Create the file with its whole content; return the content's SHA-256.

        The bytes are on disk then, and the name is not: several names take one sync.

        Raises:
            FailedError: `disk_full` or `disk_error`; then there is no file.

        """
        path = self.of(upload_id)
        with durable.translated():
            fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            if body:
                with self._volume.watched():
                    durable.write_all(fd, body)
                    durable.sync(fd)
            return hashlib.sha256(body).hexdigest()
        except FailedError:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(fd)

    def sync_names(self) -> None:
        """Put the names of all files on disk."""
        with self._volume.watched():
            durable.fsync_dir(self._volume.path("uploads"))

    def open(self, upload_id: UploadId) -> int:
        """Open an upload's file for writing.

        Raises:
            RefusedError: `upload_gone`.
            FailedError: `disk_error`; `volume_missing` or `volume_mismatch`, when the file may
                well be on the disk that is not mounted.

        """
        with durable.translated():
            try:
                return os.open(self.of(upload_id), os.O_WRONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                self._volume.require_own()
                detail = f"upload {upload_id} has no file"
                raise RefusedError(RefusedCode.UPLOAD_GONE, detail) from None

    def is_held(self, upload_id: UploadId) -> bool:
        """Tell whether a request, of this or another process, is appending right now."""
        try:
            fd = self.open(upload_id)
        except RefusedError:
            return False
        try:
            lock(fd)
        except RefusedError:
            return True
        finally:
            os.close(fd)
        return False

    def whole(self, upload: Upload) -> Path:
        """Return the file of an upload that was received whole.

        Raises:
            FailedError: `source_missing` or `source_damaged`; `volume_missing` or
                `volume_mismatch`, when the file may well be on the disk that is not mounted.

        """
        path = self.of(upload.id)
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            self._volume.require_own()
            raise FailedError(
                FailedCode.SOURCE_MISSING, f"upload {upload.id} has no file"
            ) from None
        if upload.state is UploadState.DAMAGED or size != upload.size_bytes:
            raise FailedError(
                FailedCode.SOURCE_DAMAGED, f"{upload.id} has {size} of {upload.size_bytes} bytes"
            )
        return path

    def remove(self, upload_id: UploadId) -> None:
        """Remove the file of an upload that is stored or discarded in the catalog already."""
        with self._volume.watched():
            durable.unlink(self.of(upload_id))
