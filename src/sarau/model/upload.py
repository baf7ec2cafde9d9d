"""An upload: a tus resource being received on the intake volume."""

from dataclasses import dataclass
from datetime import datetime

from sarau.model.ids import TrackId, UploadId, UserId
from sarau.model.lifecycle import UploadState


@dataclass(frozen=True, slots=True)
class Upload:
    """What has been declared and what has been acknowledged."""

    id: UploadId
    owner_id: UserId
    track_id: TrackId | None
    """None for a partial upload (tus concatenation), which is no track of its own."""
    filename: str
    preset: str
    metadata_header: str | None
    """`Upload-Metadata` exactly as the client sent it."""
    size_bytes: int | None
    """None while the length is deferred."""
    offset_bytes: int
    """Bytes that are on disk and acknowledged; the file may be longer, never shorter."""
    sha256: str | None
    """Of the whole file, when it was hashed on the way in."""
    state: UploadState
    concat: str | None
    """`Upload-Concat` as sent, None for an ordinary upload."""
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    request_id: str | None = None
    """The request that created it, as the logs name it."""
