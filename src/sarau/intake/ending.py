"""How an upload ends before its track is processed: terminated, expired or damaged."""

import sqlalchemy as sa

from sarau.catalog import locks, tracks, uploads
from sarau.errors import FailedCode
from sarau.model.lifecycle import TrackState, UploadState
from sarau.model.upload import Upload

_KINDS = {TrackState.CANCELLED: "terminated", TrackState.EXPIRED: "expired"}


def end(
    connection: sa.Connection,
    upload: Upload,
    new: UploadState,
    track_state: TrackState,
    *,
    code: FailedCode | None = None,
) -> None:
    """Move an upload and its receiving track to their ends, in the caller's transaction."""
    locks.arriving(connection, [upload.id])
    gone = uploads.let_go(connection, upload, new, _KINDS.get(track_state, "damaged"), code=code)
    if upload.state is UploadState.RECEIVING and new is UploadState.DISCARDED:
        # All its bytes may have come without its being called whole: nothing of it is kept,
        # and `is_finished` must not take it for one. The event says how many there were.
        uploads.advance(connection, gone, 0, expires_at=gone.expires_at)
    if upload.track_id is None:
        return
    track = tracks.get(connection, upload.track_id)
    if track.state is TrackState.RECEIVING:
        tracks.change_state(connection, track, track_state, code=code, upload_id=upload.id)
