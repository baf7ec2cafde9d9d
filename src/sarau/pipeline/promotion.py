"""Promotion: a received file goes from D to E, copied, hashed, synced, named, then committed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from sarau.catalog import Database, locks, object_lock, objects, runs, sources, tracks, uploads
from sarau.errors import CancelledRunError, FailedCode, FailedError
from sarau.intake import Intake
from sarau.library import ObjectRef, ObjectStore
from sarau.model.ids import RunId
from sarau.model.lifecycle import UploadState
from sarau.model.track import Track
from sarau.model.upload import Upload
from sarau.pipeline.durable import DurableRuns
from sarau.pipeline.outcome import Plain


@dataclass(frozen=True, slots=True)
class Promotion:
    """The two rooms a file passes through, and the queue it goes to afterwards."""

    database: Database
    intake: Intake | None
    library: ObjectStore
    durable: DurableRuns

    def promote(self, run_id: RunId) -> Plain:
        """Bring the source of a run that still waits into the library, and queue the run.

        The file moves and the run is queued for every worker in one transaction. The run
        goes on waiting: it has entered no stage.

        Raises:
            FailedError: `disk_full`, `disk_error`, `source_damaged`, `source_missing`.
            CancelledRunError: The run is no longer open.

        """
        with self.database.read() as connection:
            run = runs.get(connection, run_id)
            track = tracks.find(connection, run.track_id)
            upload = uploads.of_track(connection, run.track_id)
            if track is None or not runs.is_open(connection, run_id):
                raise CancelledRunError
        if upload is not None and upload.state is UploadState.STORED:
            # Moved for this run, or for one that was cancelled and tried again meanwhile.
            # A run that is queued already is not queued twice.
            with self.database.write() as connection:
                route = self.durable.routes.of(is_stored=True)
                self.durable.enqueue(connection, run_id, route=route, turn=run.turn)
            return {}
        if upload is None or upload.state is not UploadState.RECEIVED:
            raise FailedError(FailedCode.SOURCE_MISSING, f"track {track.id} has no bytes")
        self.move(upload, track, then_queue=run_id, turn=run.turn)
        return {}

    def move(
        self,
        upload: Upload,
        track: Track,
        *,
        then_queue: RunId | None = None,
        turn: int | None = None,
    ) -> ObjectRef:
        """Make a received file an object of the library, and let go of it on D.

        A run that was cancelled may still be storing the file while the run that replaces
        it begins: whoever comes second finds the object there, and that is as good.

        Raises:
            FailedError: `disk_full`, `disk_error`, `source_damaged`, `source_missing`,
                `volume_missing` on a host without D.

        """
        if self.intake is None:
            raise FailedError(FailedCode.VOLUME_MISSING, "volume D is not mounted on this host")
        try:
            stored = self.library.put(self.intake.path_of(upload), upload.sha256)
        except FailedError as error:
            if error.code is not FailedCode.SOURCE_MISSING:
                raise
            stored = self._stored_by_another(upload, error)
        with referring_to(self.database, self.library, [stored]) as connection:
            locks.track(connection, track.id)
            newest = uploads.get(connection, upload.id, settled=True)
            if newest.state is UploadState.RECEIVED:
                _mark_stored(connection, newest, track, stored)
            if then_queue is not None and newest.state in _ITS_BYTES_ARE_HERE:
                route = self.durable.routes.of(is_stored=True)
                self.durable.enqueue(connection, then_queue, route=route, turn=turn)
        # After the commit: what was copied for nothing is an object that the collector knows.
        if newest.state not in _ITS_BYTES_ARE_HERE:
            raise FailedError(FailedCode.SOURCE_MISSING, f"upload {upload.id} is {newest.state}")
        self.intake.remove_file(upload.id)
        return stored

    def _stored_by_another(self, upload: Upload, missing: FailedError) -> ObjectRef:
        """Return the object of a file that left D after its upload was read.

        Raises:
            FailedError: `missing`, when it was not stored either.

        """
        with self.database.read() as connection:
            newest = uploads.get(connection, upload.id)
        if newest.state is not UploadState.STORED or newest.sha256 is None:
            raise missing
        return ObjectRef(newest.sha256, newest.offset_bytes)


_ITS_BYTES_ARE_HERE = (UploadState.RECEIVED, UploadState.STORED)


def _mark_stored(
    connection: sa.Connection, upload: Upload, track: Track, stored: ObjectRef
) -> None:
    sources.mark_stored(connection, track.id, stored.sha256)
    tie_to_twin(connection, track, stored.sha256)
    uploads.let_go(connection, upload, UploadState.STORED, "stored", sha256=stored.sha256)


def tie_to_twin(connection: sa.Connection, track: Track, sha256: str) -> None:
    """Say that a track has the bytes of another one, when its source just got its object.

    That moment is when it is stored or, for a file that was stored before it was examined,
    when it is examined. `objects.lock` is held: of two files at the same moment, the second
    sees the first.
    """
    twin = tracks.same_bytes(connection, track.owner_id, sha256, besides=track.id)
    if twin is not None and track.duplicate_of is None:
        tracks.mark_duplicate(connection, track, twin)


@contextmanager
def referring_to(
    database: Database, library: ObjectStore, refs: Sequence[ObjectRef]
) -> Iterator[sa.Connection]:
    """Open a transaction in which objects are recorded that are there and stay there.

    The library is asked before it begins: it may be far away, and others wait for writers.

    Raises:
        FailedError: `object_missing`, when the collector was here first; what the library
            raises.

    """
    with object_lock.referring(database, {ref.sha256 for ref in refs}):
        for ref in refs:
            library.require(ref.sha256)
        with database.write() as connection:
            objects.lock(connection)
            # Objects come before all other rows: catalog/locks.py.
            for ref in sorted(refs, key=lambda one: one.sha256):
                objects.add(connection, ref.sha256, ref.size_bytes)
            yield connection
