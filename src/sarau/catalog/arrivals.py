"""Whole files that arrive together: their rows and events, written with few statements.

The record is the same as if each had been created and then received: a small file
that comes with its creation is only written down at once.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from sarau.catalog import events
from sarau.catalog.tables import tracks, uploads
from sarau.model.lifecycle import TrackState
from sarau.model.track import Track
from sarau.model.upload import Upload

_UPLOAD_FIELDS = tuple(field.name for field in fields(Upload))
_TRACK_FIELDS = tuple(field.name for field in fields(Track))


def receive_all(connection: sa.Connection, whole: Sequence[tuple[Upload, str]]) -> list[Track]:
    """Insert received uploads with their received tracks; return the tracks in order.

    Args:
        connection: The caller's transaction.
        whole: Uploads in state `received`, none of them a piece, with their tracks' titles.

    """
    made = [_track(upload, title) for upload, title in whole]
    rows = [{name: getattr(track, name) for name in _TRACK_FIELDS} for track in made]
    connection.execute(sa.insert(tracks), rows)
    rows = [{name: getattr(upload, name) for name in _UPLOAD_FIELDS} for upload, _ in whole]
    connection.execute(sa.insert(uploads), rows)
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
