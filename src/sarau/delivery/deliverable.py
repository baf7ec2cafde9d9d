"""Finding the bytes that somebody may download, under the name they should have."""

import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sarau.catalog import Database, renditions, sources, tracks
from sarau.errors import RefusedCode, RefusedError
from sarau.library import ObjectStore
from sarau.model.ids import TrackId, UserId
from sarau.model.track import Rendition, Track

_UNSAFE_IN_NAMES = re.compile(
    r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]'
)
_MAX_NAME_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Deliverable:
    """A file with everything an answer needs to say about it."""

    path: Path
    filename: str
    """Safe as a name on any system; may hold any script."""
    media_type: str
    sha256: str
    """Of the bytes, so it serves as a strong validator."""


class Delivery:
    """Looks up what a track's owner may fetch."""

    def __init__(self, database: Database, library: ObjectStore) -> None:
        self._database = database
        self._library = library

    def source(self, track_id: TrackId, owner_id: UserId) -> Deliverable:
        """Return the file as it was sent.

        Raises:
            RefusedError: `not_found`, also before it is stored.
            FailedError: `object_missing`.

        """
        with self._database.read() as connection:
            track = tracks.get(connection, track_id, owner_id=owner_id)
            source = sources.find(connection, [track_id]).get(track_id)
        if source is None or source.object_sha256 is None:
            raise RefusedError(RefusedCode.NOT_FOUND, f"track {track_id!r} has no stored source")
        sent = PurePosixPath(track.filename)
        return Deliverable(
            path=self._library.path_of(source.object_sha256),
            filename=_safe(sent.stem) + _safe(sent.suffix) if sent.suffix else _safe(sent.name),
            media_type=mimetypes.guess_type(sent.name)[0] or "application/octet-stream",
            sha256=source.object_sha256,
        )

    def rendition(self, track_id: TrackId, name: str, owner_id: UserId) -> Deliverable:
        """Return one rendition.

        Raises:
            RefusedError: `not_found`.
            FailedError: `object_missing`.

        """
        with self._database.read() as connection:
            track = tracks.get(connection, track_id, owner_id=owner_id)
            found = renditions.get(connection, track_id, name)
        return self._deliverable(track, found)

    def renditions(self, track_id: TrackId, owner_id: UserId) -> list[Deliverable]:
        """Return all renditions of a track.

        Raises:
            RefusedError: `not_found`, also when there are none yet.
            FailedError: `object_missing`.

        """
        with self._database.read() as connection:
            track = tracks.get(connection, track_id, owner_id=owner_id)
            found = renditions.find(connection, [track_id]).get(track_id, [])
        if not found:
            raise RefusedError(RefusedCode.NOT_FOUND, f"track {track_id!r} has no renditions")
        return [self._deliverable(track, rendition) for rendition in found]

    def _deliverable(self, track: Track, rendition: Rendition) -> Deliverable:
        return Deliverable(
            path=self._library.path_of(rendition.object_sha256),
            filename=f"{display_name(track)}.{rendition.extension}",
            media_type=rendition.media_type,
            sha256=rendition.object_sha256,
        )


def display_name(track: Track) -> str:
    """Return `Artist - Title` as a file name without an extension."""
    return _safe(f"{track.artist} - {track.title}" if track.artist else track.title)


def _safe(text: str) -> str:
    cleaned = _UNSAFE_IN_NAMES.sub("_", text).strip(" ")[:_MAX_NAME_CHARACTERS]
    return cleaned if cleaned.strip(".") else "track"
