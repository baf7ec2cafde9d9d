"""Tracks: creation, the one place where their state changes, and lists."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from sarau.catalog import events
from sarau.catalog.tables import renditions, sources, tracks, uploads
from sarau.errors import Code, RefusedCode, RefusedError
from sarau.model.clock import now
from sarau.model.ids import RunId, TrackId, UploadId, UserId
from sarau.model.lifecycle import TrackState, UploadState, check_change
from sarau.model.track import Track


def _track(row: sa.RowMapping) -> Track:
    return Track(**{**row, "state": TrackState(row["state"])})


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
    query = sa.select(tracks).where(tracks.c.id == track_id, tracks.c.state != TrackState.DELETED)
    if owner_id is not None:
        query = query.where(tracks.c.owner_id == owner_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise RefusedError(RefusedCode.NOT_FOUND, f"no track {track_id!r}")
    return _track(row)


def find(connection: sa.Connection, track_id: TrackId) -> Track | None:
    """Return a track of anybody, None when there is none or it is deleted."""
    row = connection.execute(
        sa.select(tracks).where(tracks.c.id == track_id, tracks.c.state != TrackState.DELETED)
    )
    found = row.mappings().one_or_none()
    return None if found is None else _track(found)


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
        .returning(tracks)
    )
    row = changed.mappings().one_or_none()
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
    return _track(row)


def point_to_run(connection: sa.Connection, track: Track, run_id: RunId) -> Track:
    """Say which run is the track's newest."""
    row = connection.execute(
        sa.update(tracks)
        .where(tracks.c.id == track.id)
        .values(run_id=run_id, updated_at=now())
        .returning(tracks)
    )
    return _track(row.mappings().one())


def same_bytes(
    connection: sa.Connection, owner_id: UserId, sha256: str, *, besides: TrackId | None = None
) -> Track | None:
    """Return the oldest track of an owner whose source has these bytes, None when there is none."""
    query = (
        sa.select(tracks)
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
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _track(row)


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
    """Change what a track is called, leave alone what is None, and record `track.edited`."""
    new = {"title": title, "artist": artist}
    changes = {name: value for name, value in new.items() if value is not None}
    row = (
        connection.execute(
            sa.update(tracks)
            .where(tracks.c.id == track.id)
            .values(**changes, updated_at=now())
            .returning(tracks)
        )
        .mappings()
        .one()
    )
    events.record(
        connection, "track.edited", owner_id=track.owner_id, track_id=track.id, data=changes
    )
    return _track(row)


def page(
    connection: sa.Connection,
    owner_id: UserId,
    *,
    limit: int,
    before: TrackId | None = None,
    states: Collection[TrackState] = (),
    text: str | None = None,
) -> Sequence[Track]:
    """Return up to `limit` tracks, newest first, created before the track `before`.

    `states` narrows them to some states; without any, all are meant.
    """
    query = sa.select(tracks).where(
        tracks.c.owner_id == owner_id, tracks.c.state != TrackState.DELETED
    )
    if before is not None:
        query = query.where(tracks.c.id < before)
    if states:
        query = query.where(tracks.c.state.in_(states))
    if text:
        query = query.where(
            sa.or_(
                tracks.c.title.icontains(text, autoescape=True),
                tracks.c.artist.icontains(text, autoescape=True),
                tracks.c.filename.icontains(text, autoescape=True),
            )
        )
    rows = connection.execute(query.order_by(tracks.c.id.desc()).limit(limit)).mappings()
    return [_track(row) for row in rows]


def deleted_before(connection: sa.Connection, moment: datetime, *, limit: int) -> list[TrackId]:
    """Return tracks that were deleted before `moment` and still have bytes somewhere."""
    query = (
        sa.select(tracks.c.id)
        .where(
            tracks.c.state == TrackState.DELETED,
            tracks.c.updated_at < moment,
            sa.or_(
                sa.exists().where(sources.c.track_id == tracks.c.id),
                sa.exists().where(renditions.c.track_id == tracks.c.id),
                sa.exists().where(
                    uploads.c.track_id == tracks.c.id, uploads.c.state == UploadState.RECEIVED
                ),
            ),
        )
        .limit(limit)
    )
    return [TrackId(track_id) for track_id in connection.execute(query).scalars()]


def counts(connection: sa.Connection, owner_id: UserId) -> dict[str, int]:
    """Return how many tracks an owner has in each state, deleted ones left out."""
    query = (
        sa.select(tracks.c.state, sa.func.count().label("number"))
        .where(tracks.c.owner_id == owner_id, tracks.c.state != TrackState.DELETED)
        .group_by(tracks.c.state)
    )
    return {row.state: row.number for row in connection.execute(query)}
