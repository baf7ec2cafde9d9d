"""Whole files that arrive together: their rows and events, written with few statements.

The record is the same as if each had been created and then received: a small file
that comes with its creation is only written down at once.
"""

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

import sqlalchemy as sa

from sarau.catalog import events
from sarau.catalog.prepared import Prepared
from sarau.catalog.tables import tracks, uploads
from sarau.model.lifecycle import TrackState
from sarau.model.search_text import fold
from sarau.model.track import Track
from sarau.model.upload import Upload

_UPLOAD_FIELDS: Final = [field.name for field in fields(Upload)]
_TRACK_FIELDS: Final = [field.name for field in fields(Track)]
_ADD_UPLOADS: Final = Prepared(sa.insert(uploads), _UPLOAD_FIELDS)
_ADD_TRACKS: Final = Prepared(sa.insert(tracks), [*_TRACK_FIELDS, "search_text"])
_upload_row: Final = attrgetter(*_UPLOAD_FIELDS)
_shown: Final = attrgetter(*_TRACK_FIELDS)


def receive_all(connection: sa.Connection, whole: Sequence[tuple[Upload, str]]) -> list[Track]:
    """Insert received uploads with their received tracks; return the tracks in order.

    Args:
        connection: The caller's transaction.
        whole: Uploads in state `received`, none of them a piece, with their tracks' titles.

    """
    made = [_track(upload, title) for upload, title in whole]
    _ADD_TRACKS.run(connection, map(_track_row, made))
    _ADD_UPLOADS.run(connection, [_upload_row(upload) for upload, _ in whole])
    events.record_all(connection, [draft for upload, _ in whole for draft in _history(upload)])
    return made


def _track(upload: Upload, title: str) -> Track:
    if upload.track_id is None:
        raise ValueError("a piece has no track")
    return Track(
        id=upload.track_id,
        owner_id=upload.owner_id,
        filename=upload.filename,
        title=title,
        artist=None,
        preset=upload.preset,
        state=TrackState.RECEIVED,
        code=None,
        detail=None,
        run_id=None,
        duplicate_of=None,
        created_at=upload.created_at,
        updated_at=upload.updated_at,
    )


def _track_row(track: Track) -> tuple[Any, ...]:
    return (*_shown(track), fold(track.title, track.artist, track.filename))


def _history(upload: Upload) -> list[events.Draft]:
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("track.created", {"filename": upload.filename, "preset": upload.preset}),
        ("upload.created", {"filename": upload.filename, "size_bytes": upload.size_bytes}),
        ("upload.received", {"size_bytes": upload.size_bytes, "sha256": upload.sha256}),
        ("track.received", {}),
    ]
    return [
        events.Draft(kind, upload.owner_id, upload.track_id, upload.id, data)
        for kind, data in kinds
    ]
