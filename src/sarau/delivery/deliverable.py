"""Finding the bytes that somebody may download, under the name they should have."""

import mimetypes
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from sarau.audio import hls
from sarau.catalog import Database, renditions, sources, tracks
from sarau.errors import RefusedCode, RefusedError
from sarau.library import ObjectStore
from sarau.model.filenames import suffixes
from sarau.model.ids import TrackId, UserId
from sarau.model.track import Rendition, Track

_UNSAFE_IN_NAMES = re.compile(
    r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]'
)
_MAX_NAME_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Part:
    """Where one file of a set lies among the bytes of a deliverable."""

    media_type: str
    offset: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Deliverable:
    """A file with everything an answer needs to say about it."""

    library: ObjectStore = field(repr=False)
    filename: str
    """Safe as a name on any system; may hold any script."""
    media_type: str
    sha256: str
    """Of the bytes, so it serves as a strong validator."""
    size_bytes: int

    def local(self) -> AbstractContextManager[Path]:
        """Return the bytes as a local file; see `ObjectStore.local`."""
        return self.library.local(self.sha256)

    def is_near(self) -> bool:
        """Tell whether the bytes can be had without waiting; see `ObjectStore.is_near`."""
        return self.library.is_near(self.sha256)

    def whole(self) -> Part:
        """Return all of it."""
        return Part(self.media_type, 0, self.size_bytes)

    def part(self, name: str) -> Part:
        """Return one file of an HLS set.

        Raises:
            RefusedError: `not_found`, also when this is no set.

        """
        try:
            with self.local() as path:
                found = hls.members(path).get(name)
        except ValueError as error:
            raise RefusedError(RefusedCode.NOT_FOUND, f"this is no set: {error}") from error
        if found is None:
            raise RefusedError(RefusedCode.NOT_FOUND, f"no file {name!r} in the set")
        return Part(found.media_type, found.offset, found.size_bytes)

    def download_url(self) -> str | None:
        """Return where to save the bytes from instead of here; see `ObjectStore.download_url`."""
        return self.library.download_url(
            self.sha256,
            disposition=content_disposition(self.filename, attachment=True),
            media_type=self.media_type,
        )


class Delivery:
    """Looks up what a track's owner may fetch."""

    def __init__(self, database: Database, library: ObjectStore) -> None:
        self._database = database
        self._library = library

    def source(self, track_id: TrackId, owner_id: UserId) -> Deliverable:
        """Return the file as it was sent.

        Raises:
            RefusedError: `not_found`, also before it is stored.

        """
        with self._database.read() as connection:
            track = tracks.get(connection, track_id, owner_id=owner_id)
            source = sources.find(connection, [track_id]).get(track_id)
        if source is None or source.object_sha256 is None:
            raise RefusedError(RefusedCode.NOT_FOUND, f"track {track_id!r} has no stored source")
        sent = PurePosixPath(track.filename)
        return Deliverable(
            library=self._library,
            filename=_safe(sent.stem) + _safe(sent.suffix) if sent.suffix else _safe(sent.name),
            media_type=mimetypes.guess_type(sent.name)[0] or "application/octet-stream",
            sha256=source.object_sha256,
            size_bytes=source.size_bytes,
        )

    def rendition(self, track_id: TrackId, name: str, owner_id: UserId) -> Deliverable:
        """Return one rendition.

        Raises:
            RefusedError: `not_found`.

        """
        with self._database.read() as connection:
            track = tracks.get(connection, track_id, owner_id=owner_id)
            found = renditions.find(connection, [track_id]).get(track_id, [])
        for one, suffix in zip(found, _suffixes(found), strict=True):
            if one.name == name:
                return self._deliverable(track, one, suffix)
        raise RefusedError(RefusedCode.NOT_FOUND, f"no rendition {name!r} of {track_id!r}")

    def renditions(self, track_id: TrackId, owner_id: UserId) -> list[Deliverable]:
        """Return all renditions of a track, each of which is there.

        Raises:
            RefusedError: `not_found`, also when there are none yet.
            FailedError: `object_missing`.

        """
        with self._database.read() as connection:
            track = tracks.get(connection, track_id, owner_id=owner_id)
            found = renditions.find(connection, [track_id]).get(track_id, [])
        if not found:
            raise RefusedError(RefusedCode.NOT_FOUND, f"track {track_id!r} has no renditions")
        for rendition in found:
            self._library.require(rendition.object_sha256)
        return [
            self._deliverable(track, one, suffix)
            for one, suffix in zip(found, _suffixes(found), strict=True)
        ]

    def _deliverable(self, track: Track, rendition: Rendition, suffix: str) -> Deliverable:
        return Deliverable(
            library=self._library,
            filename=f"{display_name(track)}{suffix}",
            media_type=rendition.media_type,
            sha256=rendition.object_sha256,
            size_bytes=rendition.size_bytes,
        )


def _suffixes(found: Sequence[Rendition]) -> list[str]:
    return suffixes((one.name, one.extension) for one in found)


def display_name(track: Track) -> str:
    """Return `Artist - Title` as a file name without an extension."""
    return _safe(f"{track.artist} - {track.title}" if track.artist else track.title)


def content_disposition(filename: str, *, attachment: bool) -> str:
    """Return the header that gives a download its name (RFC 6266)."""
    kind = "attachment" if attachment else "inline"
    quoted = quote(filename)
    if quoted == filename:
        return f'{kind}; filename="{filename}"'
    return f"{kind}; filename*=utf-8''{quoted}"


def _safe(text: str) -> str:
    cleaned = _UNSAFE_IN_NAMES.sub("_", text).strip(" ")[:_MAX_NAME_CHARACTERS]
    return cleaned if cleaned.strip(".") else "track"
