"""Tracks: creation, and the one place where their state changes."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from sarau.catalog import events
from sarau.catalog._records import Records
from sarau.catalog.prepared import Prepared
from sarau.catalog.tables import sources, tracks
from sarau.errors import Code, RefusedCode, RefusedError
from sarau.model.clock import now
from sarau.model.ids import RunId, TrackId, UploadId, UserId
from sarau.model.lifecycle import TrackState, check_change
from sarau.model.search_text import fold
from sarau.model.track import Track

ROWS: Final = Records(tracks, Track, state=TrackState)


def create(
    connection: sa.Connection,
    track_id: TrackId,
    *,
    owner_id: UserId,
    filename: str,
    title: str,
    preset: str,
    upload_id: UploadId,
) -> Track:
    """Insert a track that is `receiving` and record `track.created`."""
    moment = now()
    track = Track(
        id=track_id,
        owner_id=owner_id,
        filename=filename,
        title=title,
        artist=None,
        preset=preset,
        state=TrackState.RECEIVING,
        code=None,
        detail=None,
        run_id=None,
        duplicate_of=None,
        created_at=moment,
        updated_at=moment,
    )
    connection.execute(sa.insert(tracks).values(asdict(track)))
    events.record(
        connection,
        "track.created",
        owner_id=owner_id,
        track_id=track_id,
        upload_id=upload_id,
        data={"filename": filename, "preset": preset},
    )
    return track


def get(connection: sa.Connection, track_id: TrackId, *, owner_id: UserId | None = None) -> Track:
    """Return a track, of anybody or of `owner_id` only.

    Raises:
        RefusedError: `not_found`, also when it is somebody else's or deleted.

    """
    query = sa.select(*ROWS.columns).where(
        tracks.c.id == track_id, tracks.c.state != TrackState.DELETED
    )
    if owner_id is not None:
        query = query.where(tracks.c.owner_id == owner_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise RefusedError(RefusedCode.NOT_FOUND, f"no track {track_id!r}")
    return ROWS.read(row)


def find(connection: sa.Connection, track_id: TrackId) -> Track | None:
    """Return a track of anybody, None when there is none or it is deleted."""
    row = connection.execute(
        sa.select(*ROWS.columns).where(
            tracks.c.id == track_id, tracks.c.state != TrackState.DELETED
        )
    )
    found = row.one_or_none()
    return None if found is None else ROWS.read(found)


def change_state(
    connection: sa.Connection,
    track: Track,
    new: TrackState,
    *,
    code: Code | None = None,
    detail: str | None = None,
    run_id: RunId | None = None,
    upload_id: UploadId | None = None,
) -> Track:
    """Move a track to `new` and record `track.<new>`, both or neither.

    Raises:
        RefusedError: `wrong_state`, when the lifecycle forbids it or somebody else
            moved the track since it was read.

    """
    check_change(track.state, new)
    changed = connection.execute(
        sa.update(tracks)
        .where(tracks.c.id == track.id, tracks.c.state == track.state)
        .values(
            state=new,
            code=code,
            detail=detail,
            run_id=run_id or track.run_id,
            updated_at=now(),
        )
        .returning(*ROWS.columns)
    )
    row = changed.one_or_none()
    if row is None:
        raise RefusedError(RefusedCode.WRONG_STATE, f"track {track.id} is no longer {track.state}")
    why = {"code": str(code), "detail": detail} if code else {}
    events.record(
        connection,
        f"track.{new}",
        owner_id=track.owner_id,
        track_id=track.id,
        run_id=run_id or track.run_id,
        upload_id=upload_id,
        data=why,
    )
    return ROWS.read(row)


def point_to_runs(connection: sa.Connection, newest: Sequence[tuple[Track, RunId]]) -> list[Track]:
    """Say which run is the newest of each track; the caller has just read or made the tracks."""
    moment = now()
    _POINT.run(connection, [(track.id, run_id, moment) for track, run_id in newest])
    return [replace(track, run_id=run_id, updated_at=moment) for track, run_id in newest]


_POINT: Final = Prepared(
    sa.update(tracks)
    .where(tracks.c.id == sa.bindparam("which"))
    .values(run_id=sa.bindparam("run"), updated_at=sa.bindparam("moment")),
    ("which", "run", "moment"),
)


def same_bytes(
    connection: sa.Connection, owner_id: UserId, sha256: str, *, besides: TrackId | None = None
) -> Track | None:
    """Return the oldest track of an owner whose source has these bytes, None when there is none."""
    query = (
        sa.select(*ROWS.columns)
        .join(sources, sources.c.track_id == tracks.c.id)
        .where(
            sources.c.object_sha256 == sha256,
            tracks.c.owner_id == owner_id,
            tracks.c.id != (besides or ""),
            tracks.c.state != TrackState.DELETED,
        )
        .order_by(tracks.c.id)
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else ROWS.read(row)


def mark_duplicate(connection: sa.Connection, track: Track, of: Track) -> None:
    """Tie a track to an older one with the same bytes and record `track.duplicate`."""
    connection.execute(sa.update(tracks).where(tracks.c.id == track.id).values(duplicate_of=of.id))
    events.record(
        connection,
        "track.duplicate",
        owner_id=track.owner_id,
        track_id=track.id,
        data={"of": of.id},
    )


def edit(
    connection: sa.Connection, track: Track, *, title: str | None, artist: str | None
) -> Track:
    """Change what a track is called, leave alone what is None, and record `track.edited`.

    The caller has read the track with its row locked: what is searched is made of the whole name.
    """
    new = {"title": title, "artist": artist}
    changes = {name: value for name, value in new.items() if value is not None}
    search_text = fold(
        track.title if title is None else title,
        track.artist if artist is None else artist,
        track.filename,
    )
    row = connection.execute(
        sa.update(tracks)
        .where(tracks.c.id == track.id)
        .values(**changes, search_text=search_text, updated_at=now())
        .returning(*ROWS.columns)
    ).one()
    events.record(
        connection, "track.edited", owner_id=track.owner_id, track_id=track.id, data=changes
    )
    return ROWS.read(row)


def deleted_before(connection: sa.Connection, moment: datetime, *, limit: int) -> list[TrackId]:
    """Return tracks that were deleted before `moment` and not purged since, oldest first."""
    query = (
        sa.select(tracks.c.id)
        .where(
            # As the partial index has it; a parameter would not be taken for it.
            tracks.c.state == sa.literal_column(f"'{TrackState.DELETED}'"),
            tracks.c.purged_at.is_(None),
            tracks.c.updated_at < moment,
        )
        .order_by(tracks.c.updated_at)
        .limit(limit)
    )
    return [TrackId(track_id) for track_id in connection.execute(query).scalars()]


def mark_purged(connection: sa.Connection, track_ids: Sequence[TrackId]) -> None:
    """Note that deleted tracks refer to nothing any more, so that nobody looks at them again."""
    purged = sa.update(tracks).where(tracks.c.id.in_(track_ids))
    connection.execute(purged.values(purged_at=now()))


def without_search_text(connection: sa.Connection, *, limit: int) -> list[Track]:
    """Return tracks that an older version has written and no search finds yet."""
    query = sa.select(*ROWS.columns).where(tracks.c.search_text.is_(None)).limit(limit)
    return [ROWS.read(row) for row in connection.execute(query)]


def fill_in_search_text(connection: sa.Connection, missing: Sequence[Track]) -> int:
    """Make tracks searchable, unless somebody did so meanwhile; return how many were given."""
    filled = (
        sa.update(tracks)
        .where(tracks.c.id == sa.bindparam("of"), tracks.c.search_text.is_(None))
        .values(search_text=sa.bindparam("text"))
    )
    rows = [{"of": one.id, "text": fold(one.title, one.artist, one.filename)} for one in missing]
    connection.execute(filled, rows)
    return len(rows)
