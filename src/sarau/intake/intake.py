"""The intake: create, append, finish, terminate; each with its row and its event."""

import logging
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from sarau.catalog import Database, locks, presets, tracks, uploads
from sarau.errors import FailedCode, FailedError, RefusedCode, RefusedError
from sarau.intake import expiry, recovery
from sarau.intake.appender import Appender, lock
from sarau.intake.arrivals import Arrivals
from sarau.intake.ending import end
from sarau.intake.files import Files
from sarau.intake.finished import is_finished
from sarau.intake.group_commit import GroupCommit
from sarau.intake.hashers import Hashers
from sarau.intake.known import HasObject, Known
from sarau.intake.naming import Description, clean_filename, title_of
from sarau.intake.received import OnReceived
from sarau.model.clock import now
from sarau.model.ids import TrackId, UploadId, UserId, is_id, new_id
from sarau.model.lifecycle import TrackState, UploadState
from sarau.model.track import Track
from sarau.model.upload import Upload
from sarau.observe.context import request_id
from sarau.storage import Volume

log = logging.getLogger(__name__)

OnCreated = Callable[[sa.Connection, Upload], None]
"""Called inside the transaction in which an upload is created."""


class Intake:
    """Disk D. Thread-safe; every method blocks and belongs into a worker thread."""

    def __init__(
        self,
        database: Database,
        volume: Volume,
        *,
        max_upload_bytes: int,
        expiry_s: float,
        on_received: OnReceived,
        has_object: HasObject = lambda _sha256: False,
    ) -> None:
        self.volume = volume
        self.max_upload_bytes = max_upload_bytes
        self.hashers = Hashers()
        self._database = database
        self._expiry = timedelta(seconds=expiry_s)
        self._on_received = on_received
        self._commits = GroupCommit(database)
        self._known = Known(database, has_object, on_received)
        self.files = Files(volume)
        self._arrivals = Arrivals(database, volume, self.files, on_received)
        self._background = ThreadPoolExecutor(4, thread_name_prefix="intake-sync")
        self._guard = expiry.ClockGuard()

    def close(self) -> None:
        """Wait for acknowledgements on their way."""
        self._background.shutdown()

    def in_background(self, work: Callable[[int], None], argument: int) -> Future[None]:
        """Run an appender's acknowledgement while its request goes on receiving."""
        return self._background.submit(work, argument)

    def create(
        self,
        *,
        owner_id: UserId,
        description: Description,
        size_bytes: int | None,
        concat: str | None = None,
        body: bytes | memoryview | None = None,
        stays_open: bool = False,
        also: OnCreated | None = None,
    ) -> Upload:
        """Make a new upload, and its track unless it is a piece (`concat` is `partial`).

        Args:
            owner_id: Whose it is.
            description: What the client said about the file.
            size_bytes: Declared length; None when it comes later.
            concat: `Upload-Concat` as sent.
            body: The whole file, when it came with the request: then the upload is
                received in the same transaction in which it is created.
            stays_open: Even a file of no bytes is not whole before the client says so.
            also: What else belongs into that transaction.

        Raises:
            RefusedError: `unknown_preset`, `upload_too_large`, `out_of_space`,
                `upload_length_invalid` when the body has another length.
            FailedError: No volume, `disk_full`, `disk_error`, `database_unavailable`;
                then nothing is left behind.

        """
        upload = self.plan(owner_id, description, size_bytes, concat)
        if body is None and (known := self._known.take_over(upload, description.sha256)):
            return known
        if body is not None and len(body) != size_bytes:
            raise RefusedError(
                RefusedCode.UPLOAD_LENGTH_INVALID, f"{size_bytes} declared, {len(body)} came"
            )
        # An empty file is whole when it is declared.
        content = b"" if size_bytes == 0 and not stays_open else body
        if content is None:
            self.files.make(upload.id)
            return self.add(upload, whole=False, also=also)
        sha256 = self.files.make_whole(upload.id, content)
        if upload.track_id is None or also is not None:
            self.files.sync_names()
            return self.add(upload, whole=True, sha256=sha256, also=also)
        try:
            return self._arrivals.run(upload, sha256)
        except RefusedError:
            self.files.remove(upload.id)
            raise

    def add(
        self,
        upload: Upload,
        *,
        whole: bool,
        sha256: str | None = None,
        also: OnCreated | None = None,
    ) -> Upload:
        """Commit a planned upload, with its track, once its file is on disk.

        Args:
            upload: From `plan`.
            whole: The file has its full length: the upload is received at once.
            sha256: Of the whole file, where it is known.
            also: What else belongs into the transaction.

        Raises:
            RefusedError: `out_of_space`; then the file has been removed.
            FailedError: `database_unavailable`.

        """

        def work(connection: sa.Connection) -> Upload:
            promised = uploads.outstanding_bytes(connection)
            self.volume.check_room(promised + (0 if whole else upload.size_bytes or 0))
            track = self._insert(connection, upload)
            if also is not None:
                also(connection, upload)
            if not whole:
                return upload
            return self._receive(connection, upload, sha256, track)

        try:
            return self._commits.run(work)
        except RefusedError:
            # After any other error the row may exist, and must never be without its file.
            self.files.remove(upload.id)
            raise

    def plan(
        self, owner_id: UserId, description: Description, size: int | None, concat: str | None
    ) -> Upload:
        """Return a new upload of which nothing exists yet, if there is room for it.

        Raises:
            RefusedError: `unknown_preset`, `upload_too_large`, `out_of_space`.
            FailedError: A volume that is not there.

        """
        if "\x00" in description.preset:
            # PostgreSQL refuses to look for it, and not as a name that is unknown.
            raise RefusedError(RefusedCode.UNKNOWN_PRESET, f"no preset {description.preset!r}")
        presets.require(self._database, owner_id, description.preset)
        self.check_size(size)
        self.volume.require()
        self.volume.check_room(size or 0)
        moment = now()
        return Upload(
            id=UploadId(new_id()),
            owner_id=owner_id,
            track_id=None if concat == uploads.PARTIAL else TrackId(new_id()),
            filename=clean_filename(description.filename),
            preset=description.preset,
            metadata_header=description.metadata_header,
            size_bytes=size,
            offset_bytes=0,
            sha256=None,
            state=UploadState.RECEIVING,
            concat=concat,
            created_at=moment,
            updated_at=moment,
            expires_at=moment + self._expiry,
            request_id=request_id(),
        )

    @staticmethod
    def _insert(connection: sa.Connection, upload: Upload) -> Track | None:
        track = None
        if upload.track_id is not None:
            track = tracks.create(
                connection,
                upload.track_id,
                owner_id=upload.owner_id,
                filename=upload.filename,
                title=title_of(upload.filename),
                preset=upload.preset,
                upload_id=upload.id,
            )
        uploads.create(connection, upload)
        return track

    def check_size(self, size_bytes: int | None) -> None:
        """Refuse a length that is over the limit.

        Raises:
            RefusedError: `upload_too_large`.

        """
        if size_bytes is not None and size_bytes > self.max_upload_bytes:
            raise RefusedError(
                RefusedCode.UPLOAD_TOO_LARGE, f"{size_bytes} is over {self.max_upload_bytes} bytes"
            )

    def find(self, upload_id: str, owner_id: UserId, *, settled: bool = False) -> Upload:
        """Return an upload that is being received or was received; `settled` as in the catalog.

        Raises:
            RefusedError: `not_found`; `upload_gone` when it was terminated, expired or damaged.

        """
        if not is_id(upload_id):
            raise RefusedError(RefusedCode.NOT_FOUND, "that is no upload id")
        with self._database.read() as connection:
            upload = uploads.get(
                connection, UploadId(upload_id), owner_id=owner_id, settled=settled
            )
        if upload.state is not UploadState.RECEIVING and not is_finished(upload):
            raise RefusedError(RefusedCode.UPLOAD_GONE, f"upload {upload_id} is {upload.state}")
        return upload

    def append(self, upload_id: UploadId, owner_id: UserId, *, held_back: bool = False) -> Appender:
        """Take hold of an upload that is being received; the caller closes what it gets.

        Raises:
            RefusedError: `not_found`, `upload_gone`, `wrong_state` when it is whole
                already, `upload_locked` when another process holds it.
            FailedError: `source_damaged` when the file lost acknowledged bytes.

        """
        self.find(upload_id, owner_id)
        self.volume.require()
        fd = self.files.open(upload_id)
        try:
            lock(fd)
            # The row is read only now: before the lock was ours it may have moved.
            upload = self._take_up(fd, upload_id, owner_id)
        except BaseException:
            os.close(fd)
            raise
        return Appender(self, upload, fd, held_back=held_back)

    def _take_up(self, fd: int, upload_id: UploadId, owner_id: UserId) -> Upload:
        upload = self.find(upload_id, owner_id, settled=True)
        if is_finished(upload):
            raise RefusedError(RefusedCode.WRONG_STATE, "the upload is whole")
        if not recovery.fit(fd, upload.offset_bytes):
            self._damage(upload, FailedCode.SOURCE_DAMAGED)
            raise FailedError(FailedCode.SOURCE_DAMAGED, f"upload {upload.id} lost bytes")
        os.lseek(fd, upload.offset_bytes, os.SEEK_SET)
        return upload

    def ask_to_let_go(self, upload_id: UploadId) -> None:
        """Ask the process that holds an upload to let go of it for a newer request."""
        self._commits.run(
            lambda connection: uploads.want(connection, upload_id, new_id()), upload_id=upload_id
        )

    def wanted(self, upload_ids: list[UploadId]) -> dict[UploadId, str | None]:
        """Return the newest request, of any process, that waits for each upload."""
        with self._database.read() as connection:
            return uploads.wanted(connection, upload_ids)

    def declare_size(self, upload: Upload, size_bytes: int) -> Upload:
        """Fix the length of an upload whose length was deferred.

        Raises:
            RefusedError: `upload_gone`.
            FailedError: `database_unavailable`.

        """
        return self._commits.run(
            lambda connection: uploads.declare_size(connection, upload, size_bytes),
            upload_id=upload.id,
        )

    def acknowledge(self, upload: Upload, offset_bytes: int) -> Upload:
        """Commit an offset whose bytes are on disk."""
        return self._commits.run(
            lambda connection: uploads.advance(
                connection, upload, offset_bytes, expires_at=self._expires_at()
            ),
            upload_id=upload.id,
        )

    def receive(self, upload: Upload, sha256: str | None, *, size_bytes: int) -> Upload:
        """Commit a whole file that is on disk, and start what follows from it.

        Its length is committed with it, where it was not known before: an upload that has
        all its bytes, and that nobody called whole, would be one that its client believes
        to be done.
        """

        def work(connection: sa.Connection) -> Upload:
            declared = upload
            if upload.size_bytes is None:
                declared = uploads.declare_size(connection, upload, size_bytes)
            return self._receive(connection, declared, sha256, None)

        received = self._commits.run(work, upload_id=upload.id)
        self.hashers.forget(upload.id)
        return received

    def _receive(
        self, connection: sa.Connection, upload: Upload, sha256: str | None, track: Track | None
    ) -> Upload:
        if upload.track_id is not None and track is None:
            locks.arriving(connection, [upload.id])
            track = tracks.get(connection, upload.track_id)
        received = uploads.receive(connection, upload, sha256=sha256, expires_at=self._expires_at())
        if track is not None:
            moved = tracks.change_state(connection, track, TrackState.RECEIVED, upload_id=upload.id)
            self._on_received(connection, [(received, moved)])
        return received

    def _expires_at(self) -> datetime:
        return now() + self._expiry

    def terminate(self, upload_id: str, owner_id: UserId) -> None:
        """Let go of an unfinished upload or of a piece; its track becomes `cancelled`.

        Raises:
            RefusedError: `not_found`, `upload_gone`, `wrong_state` when the file is whole:
                then it is the track that is cancelled or deleted.

        """
        upload = self.find(upload_id, owner_id)
        if is_finished(upload) and upload.concat != uploads.PARTIAL:
            raise RefusedError(RefusedCode.WRONG_STATE, "the upload is whole")

        def work(connection: sa.Connection) -> None:
            # It may have grown since; only its newest state can be let go of.
            newest = uploads.get(connection, upload.id, settled=True)
            if newest.state is not upload.state:
                raise RefusedError(RefusedCode.UPLOAD_GONE, f"it is {newest.state} by now")
            end(connection, newest, UploadState.DISCARDED, TrackState.CANCELLED)

        self._commits.run(work, upload_id=upload.id)
        self.remove_file(upload.id)

    def abandon(self, upload: Upload, error: FailedError) -> None:
        """Give up an upload whose sync failed: nothing of it is trusted or acknowledged again."""
        if error.code is not FailedCode.DISK_FULL:
            self.volume.mark_suspect(error)
        self._damage(upload, error.code)

    def _damage(self, upload: Upload, code: FailedCode) -> None:
        log.error("upload %s is damaged: %s", upload.id, code)

        def work(connection: sa.Connection) -> None:
            newest = uploads.get(connection, upload.id, settled=True)
            if newest.state is UploadState.RECEIVING:
                end(connection, newest, UploadState.DAMAGED, TrackState.FAILED, code=code)

        self._commits.run(work, upload_id=upload.id)

    def path_of(self, upload: Upload) -> Path:
        """Return the file of an upload that was received whole.

        Raises:
            FailedError: `source_missing` or `source_damaged`.

        """
        return self.files.whole(upload)

    def remove_file(self, upload_id: UploadId) -> None:
        """Remove the file of an upload that is stored or discarded in the catalog already."""
        self.hashers.forget(upload_id)
        self.files.remove(upload_id)

    def expire_due(self) -> int:
        """Let go of what nobody continued in time; return how many uploads that was."""
        return expiry.expire_due(self, self._database, self._guard)

    def recover(self) -> recovery.RecoveryReport:
        """Make files and rows agree after a crash, of this process or of another one."""
        return recovery.recover(self, self._database, quarantine=self._guard.is_sane())
