"""Bytes that are here already: the client says their hash and need not send them again.

A hash alone gives access to nothing. It is compared only with what the same user has
sent, and the length must fit too; the object must be in the library, and sound as far
as anybody has looked. Otherwise the
upload is made as any other, and nothing tells that somebody else has these bytes.
"""

import re
from collections.abc import Callable
from dataclasses import replace

import sqlalchemy as sa

from sarau.catalog import Database, objects, sources, tracks, uploads
from sarau.catalog.object_lock import referring_at_once
from sarau.intake.naming import title_of
from sarau.intake.received import OnReceived
from sarau.model.ids import TrackId
from sarau.model.lifecycle import TrackState, UploadState
from sarau.model.track import Source, Track
from sarau.model.upload import Upload

HasObject = Callable[[str], bool]
"""Tells whether the library has an object of this SHA-256; False where it cannot say."""
_SHA256 = re.compile("[0-9a-f]{64}")


class Known:
    """Makes uploads of what the library holds.

    Args:
        database: The catalog.
        has_object: Asks the library.
        on_received: Called inside the transaction, as for an upload that was sent.

    """

    def __init__(
        self,
        database: Database,
        has_object: HasObject,
        on_received: OnReceived,
    ) -> None:
        self._database = database
        self._has_object = has_object
        self._on_received = on_received

    def take_over(self, upload: Upload, claim: str | None) -> Upload | None:
        """Make `upload` and its track of bytes that its owner sent before.

        Args:
            upload: Planned, of a known length, with a track.
            claim: The SHA-256 of its bytes in hexadecimal, as the client says.

        Returns:
            The upload, whole and `stored`; None when the bytes have to be sent.

        Raises:
            FailedError: `database_unavailable`.

        """
        sha256 = (claim or "").lower()
        if upload.track_id is None or not _SHA256.fullmatch(sha256):
            return None
        with self._database.read() as connection:
            if _older(connection, upload, sha256) is None:
                return None
        # A library may be far away: it is asked while nobody waits for the database.
        if not self._has_object(sha256):
            return None
        with referring_at_once(self._database, sha256) as is_held:
            return self._take(upload, sha256) if is_held else None

    def _take(self, upload: Upload, sha256: str) -> Upload | None:
        """Make the upload, if what is known is still so; the collector is kept away."""
        with self._database.write() as connection:
            older = _older(connection, upload, sha256)
            if older is None or upload.track_id is None:
                return None
            return self._make(connection, upload, upload.track_id, *older)

    def _make(
        self,
        connection: sa.Connection,
        upload: Upload,
        track_id: TrackId,
        older: Track,
        source: Source,
    ) -> Upload:
        track = tracks.create(
            connection,
            track_id,
            owner_id=upload.owner_id,
            filename=upload.filename,
            title=title_of(upload.filename),
            preset=upload.preset,
            upload_id=upload.id,
        )
        uploads.create(connection, upload)
        received = uploads.receive(
            connection, upload, sha256=source.object_sha256, expires_at=upload.expires_at
        )
        waveform = sources.waveform(connection, older.id) or {}
        sources.save(connection, replace(source, track_id=track.id), waveform)
        stored = uploads.let_go(connection, received, UploadState.STORED, "stored")
        tracks.mark_duplicate(connection, track, older)
        moved = tracks.change_state(connection, track, TrackState.RECEIVED, upload_id=upload.id)
        self._on_received(connection, [(stored, moved)])
        return stored


def _older(connection: sa.Connection, upload: Upload, sha256: str) -> tuple[Track, Source] | None:
    older = tracks.same_bytes(connection, upload.owner_id, sha256)
    if older is None:
        return None
    source = sources.find(connection, [older.id])[older.id]
    fits = source.size_bytes == upload.size_bytes and objects.is_sound(connection, sha256)
    return (older, source) if fits else None
