"""One request's hold on an upload: bytes go to the file, then to disk, then into the catalog.

Only in that order is an offset acknowledged. A long request is acknowledged in
steps while it runs, so that a killed server has little to receive again.
"""

import fcntl
import os
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

from sarau.errors import FailedError, RefusedCode, RefusedError
from sarau.model.upload import Upload
from sarau.storage import durable

if TYPE_CHECKING:
    from sarau.intake.intake import Intake

STEP_BYTES = 64 << 20
STEP_S = 2.0
_AHEAD_BYTES = 64 << 20
_LEAST_AHEAD_BYTES = 1 << 20


def lock(fd: int) -> None:
    """Hold the file of an upload against every other request and process, until it is closed.

    Raises:
        RefusedError: `upload_locked`.

    """
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RefusedError(RefusedCode.UPLOAD_LOCKED, "another request holds this upload") from None


class Appender:
    """Appends to one upload; used by one thread at a time and closed when it is done.

    Args:
        intake: Where it belongs.
        upload: As read after the lock was taken.
        fd: The file, open for writing, locked, positioned at `upload.offset_bytes`.
        held_back: Acknowledge nothing before `finish`: the bytes may still be taken
            back because a checksum does not match.

    """

    def __init__(self, intake: "Intake", upload: Upload, fd: int, *, held_back: bool) -> None:
        self.upload = upload
        self.offset_bytes = upload.offset_bytes
        self.size_bytes = upload.size_bytes
        """The file's length, as far as it is known; it may not be in the catalog yet."""
        self._intake = intake
        self._fd = fd
        self._held_back = held_back
        self._start = upload.offset_bytes
        self._hasher = intake.hashers.take(upload.id, upload.offset_bytes)
        self._start_hasher = self._hasher.copy() if held_back and self._hasher else None
        self._step: Future[None] | None = None
        self._step_at = time.monotonic()
        self._step_offset = upload.offset_bytes
        self._broken: FailedError | None = None
        self._allocated = self._expected = upload.offset_bytes

    @property
    def room_bytes(self) -> int:
        """How many more bytes this upload may get."""
        size = self.size_bytes
        return (self._intake.max_upload_bytes if size is None else size) - self.offset_bytes

    def expect(self, length_bytes: int) -> None:
        """Say how many bytes this request is about to bring, so that room is made in time."""
        self._expected = self.offset_bytes + length_bytes

    def _allocate(self) -> None:
        ahead = min(_AHEAD_BYTES, self._expected - self.offset_bytes)
        if ahead >= _LEAST_AHEAD_BYTES:
            durable.preallocate(self._fd, self.offset_bytes, ahead)
            self._allocated = self.offset_bytes + ahead

    def declare_size(self, size_bytes: int) -> None:
        """Fix the length of an upload whose length was deferred.

        It is committed before the first byte that follows is written, or together with the
        end; until then a request that is refused leaves the upload as it was.

        Raises:
            RefusedError: `upload_length_invalid` when it contradicts what is known,
                `upload_too_large`, `out_of_space`.

        """
        if self.size_bytes not in {None, size_bytes} or size_bytes < self.offset_bytes:
            raise RefusedError(
                RefusedCode.UPLOAD_LENGTH_INVALID,
                f"{size_bytes} declared, {self.size_bytes} before, {self.offset_bytes} arrived",
            )
        if self.size_bytes is None:
            self._intake.check_size(size_bytes)
            self._intake.volume.check_room(size_bytes - self.offset_bytes)
            self.size_bytes = size_bytes

    def _commit_size(self) -> None:
        if self.size_bytes is not None and self.upload.size_bytes is None:
            self.upload = self._intake.declare_size(self.upload, self.size_bytes)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append `data`; it is not acknowledged yet.

        Raises:
            RefusedError: `upload_too_large` when it is more than was declared or allowed,
                `out_of_space`; `upload_gone` when the upload was terminated meanwhile.
            FailedError: `disk_full`, `disk_error`, `database_unavailable`.

        """
        if len(data) > self.room_bytes:
            raise RefusedError(RefusedCode.UPLOAD_TOO_LARGE, "the body is longer than declared")
        self._commit_size()
        if self._hasher is not None:
            self._hasher.update(data)
        if self.offset_bytes + len(data) > self._allocated:
            self._allocate()
        try:
            durable.write_all(self._fd, data)
        except FailedError:
            # How much of `data` arrived is only known to the file.
            self._lose_hash(os.lseek(self._fd, 0, os.SEEK_CUR))
            raise
        self.offset_bytes += len(data)
        self._maybe_step()

    def _lose_hash(self, offset_bytes: int) -> None:
        self._hasher = None
        self.offset_bytes = offset_bytes

    def _maybe_step(self) -> None:
        if self._step is not None and self._step.done():
            step, self._step = self._step, None
            step.result()
        new = self.offset_bytes - self._step_offset
        due = new >= STEP_BYTES or (new and time.monotonic() - self._step_at >= STEP_S)
        if due and self._step is None:
            self._intake.volume.check_room(0)
            self._step_at, self._step_offset = time.monotonic(), self.offset_bytes
            # The last byte is acknowledged only together with what follows from it.
            if not self._held_back and self.offset_bytes != self.size_bytes:
                self._step = self._intake.in_background(self._acknowledge, self.offset_bytes)

    def _sync(self) -> None:
        try:
            durable.sync(self._fd)
        except FailedError as error:
            self._broken = error
            self._intake.abandon(self.upload, error)
            raise

    def _acknowledge(self, offset_bytes: int) -> None:
        self._sync()
        self.upload = self._intake.acknowledge(self.upload, offset_bytes)

    def finish(self, *, complete: bool = True) -> Upload:
        """Put everything on disk, acknowledge it, and hand over a file that is whole.

        Args:
            complete: False when the client says that more will come, or when the body
                broke off: then even a file that has its full length stays open.

        Raises:
            RefusedError: `upload_gone`.
            FailedError: `disk_error` (the upload is damaged and will never be served),
                `disk_full`, `database_unavailable` (nothing more was acknowledged).

        """
        self._join()
        size = self.size_bytes
        whole = complete and self.offset_bytes == size
        if self.offset_bytes != self.upload.offset_bytes or whole:
            self._sync()
        if whole and size is not None:
            sha256 = self._hasher.hexdigest() if self._hasher else None
            self.upload = self._intake.receive(self.upload, sha256, size_bytes=size)
            return self.upload
        self._commit_size()
        if self.offset_bytes != self.upload.offset_bytes:
            self.upload = self._intake.acknowledge(self.upload, self.offset_bytes)
        return self.upload

    def _join(self) -> None:
        step, self._step = self._step, None
        if step is not None:
            step.result()
        if self._broken is not None:
            raise self._broken

    def take_back(self) -> None:
        """Forget what this request brought; only for an appender that is `held_back`.

        Raises:
            FailedError: `disk_error`.

        """
        with durable.translated():
            os.ftruncate(self._fd, self._start)
            os.lseek(self._fd, self._start, os.SEEK_SET)
        self.offset_bytes = self._start
        self.size_bytes = self.upload.size_bytes
        self._hasher = self._start_hasher

    def close(self) -> None:
        """Let go of the upload; what was not acknowledged will be sent again."""
        if self._step is not None:
            self._step.exception()
            self._step = None
        if self.offset_bytes < self._allocated:
            durable.release_preallocated(self._fd, self.offset_bytes)
        os.close(self._fd)
        if self._hasher is not None and self.offset_bytes == self.upload.offset_bytes:
            self._intake.hashers.keep(self.upload.id, self.offset_bytes, self._hasher)
