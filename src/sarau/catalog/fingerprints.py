"""Acoustic fingerprints of an owner's tracks, and the index by which like ones are found."""

import zlib
from collections.abc import Sequence

import sqlalchemy as sa

from sarau.catalog.tables import fingerprint_marks, fingerprints, tracks
from sarau.model.fingerprint import Fingerprint
from sarau.model.ids import TrackId, UserId
from sarau.model.lifecycle import TrackState
from sarau.model.track import Track

_MARK_BITS = 32
_SIGN = 1 << 63
_COUNTED = 4


def save(connection: sa.Connection, track: Track, fingerprint: Fingerprint) -> None:
    """Keep a track's fingerprint, instead of the one that an earlier run found."""
    known = find(connection, [track.id]).get(track.id)
    if known == fingerprint:
        return
    remove(connection, track.id)
    connection.execute(
        sa.insert(fingerprints).values(track_id=track.id, chromaprint=fingerprint.items)
    )
    rows = [{"mark": mark, "track_id": track.id} for mark in _marks(fingerprint, track.owner_id)]
    if rows:
        connection.execute(sa.insert(fingerprint_marks), rows)


def remove(connection: sa.Connection, track_id: TrackId) -> None:
    """Forget a fingerprint and what it is found by."""
    query = (
        sa.select(fingerprints.c.chromaprint, tracks.c.owner_id)
        .join(tracks, tracks.c.id == fingerprints.c.track_id)
        .where(fingerprints.c.track_id == track_id)
    )
    known = connection.execute(query).one_or_none()
    if known is None:
        return
    marks = _marks(Fingerprint(known.chromaprint), UserId(known.owner_id))
    connection.execute(
        sa.delete(fingerprint_marks).where(
            fingerprint_marks.c.mark.in_(marks),
            fingerprint_marks.c.track_id == track_id,
        )
    )
    connection.execute(sa.delete(fingerprints).where(fingerprints.c.track_id == track_id))


def find(connection: sa.Connection, track_ids: Sequence[TrackId]) -> dict[TrackId, Fingerprint]:
    """Return the fingerprints of those tracks that have one."""
    query = sa.select(fingerprints).where(fingerprints.c.track_id.in_(track_ids))
    return {
        TrackId(row.track_id): Fingerprint(row.chromaprint) for row in connection.execute(query)
    }


def candidates(
    connection: sa.Connection, track: Track, fingerprint: Fingerprint, *, limit: int
) -> list[TrackId]:
    """Return tracks of the same owner that may be the same recording, the likeliest first.

    They share at least one mark; only a comparison tells whether they are.
    """
    marks = _marks(fingerprint, track.owner_id)
    if not marks:
        return []
    counted = (
        sa.select(fingerprint_marks.c.track_id)
        .where(fingerprint_marks.c.mark.in_(marks), fingerprint_marks.c.track_id != track.id)
        .group_by(fingerprint_marks.c.track_id)
        .order_by(sa.func.count().desc(), fingerprint_marks.c.track_id)
        .limit(_COUNTED * limit)
    )
    likeliest = connection.execute(counted).scalars().all()
    # Whose they are is asked by their ids alone: in a join, or with the owner named, SQLite
    # goes through all of an owner's tracks.
    query = sa.select(tracks.c.id, tracks.c.owner_id, tracks.c.state)
    theirs = {
        row.id
        for row in connection.execute(query.where(tracks.c.id.in_(likeliest)))
        if row.owner_id == track.owner_id and row.state != TrackState.DELETED
    }
    return [TrackId(found) for found in likeliest if found in theirs][:limit]


def _marks(fingerprint: Fingerprint, owner_id: UserId) -> list[int]:
    """Return the marks as they are kept: an owner's lie together, apart from all others'."""
    place = zlib.crc32(owner_id.encode()) << _MARK_BITS
    return [(place | mark) - _SIGN for mark in fingerprint.marks()]
