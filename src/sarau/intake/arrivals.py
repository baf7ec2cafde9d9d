"""Small files that came whole with their creation, several to one transaction."""

from dataclasses import replace

from sarau.catalog import Database, arrivals, uploads
from sarau.errors import FailedError
from sarau.intake.files import Files
from sarau.intake.group_commit import Batches, Job
from sarau.intake.naming import title_of
from sarau.intake.received import OnReceived
from sarau.model.lifecycle import UploadState
from sarau.model.upload import Upload
from sarau.observe import traces
from sarau.storage import Volume

SMALL_BYTES = 1 << 20
"""A file up to this size is kept in memory until it is whole: one transaction, one sync."""


class Arrivals:
    """Writes down whole files; their bytes are on disk already, their names are not yet."""

    def __init__(
        self,
        database: Database,
        volume: Volume,
        files: Files,
        on_received: OnReceived,
    ) -> None:
        self._database = database
        self._volume = volume
        self._files = files
        self._on_received = on_received
        self._batches: Batches[Upload, Upload] = Batches(self._receive_all)

    def run(self, upload: Upload, sha256: str | None) -> Upload:
        """Put the file's name on disk, then commit upload and track, both `received`.

        Raises:
            RefusedError: `out_of_space`, or what the follower refuses.
            FailedError: `disk_error`, `disk_full`, `database_unavailable`.

        """
        received = replace(
            upload,
            offset_bytes=upload.size_bytes or 0,
            sha256=sha256,
            state=UploadState.RECEIVED,
        )
        return self._batches.run(received)

    def _receive_all(self, jobs: list[Job[Upload, Upload]]) -> None:
        self._files.sync_names()
        try:
            self._commit(jobs)
        except FailedError:
            raise
        except Exception:
            if len(jobs) == 1:
                raise
            # One of them spoils the transaction: each gets its own.
            for job in jobs:
                self._alone(job)

    def _alone(self, job: Job[Upload, Upload]) -> None:
        try:
            self._commit([job])
        except Exception as error:  # noqa: BLE001 - raised in the thread that sent the file
            job.error = error

    def _commit(self, jobs: list[Job[Upload, Upload]]) -> None:
        whole = [job.item for job in jobs]
        with self._database.write() as connection:
            self._volume.check_room(uploads.outstanding_bytes(connection))
            titled = [(upload, title_of(upload.filename)) for upload in whole]
            tracks = arrivals.receive_all(connection, titled)
            received = list(zip(whole, tracks, strict=True))
            if traces.are_on():
                # The run of each belongs to its own request's trace.
                for job, pair in zip(jobs, received, strict=True):
                    job.context.run(self._on_received, connection, [pair])
            else:
                self._on_received(connection, received)
        for job in jobs:
            job.value = [job.item]
