"""Uploads: rows that never promise more than the disk holds.

Every change is conditional on what the caller saw, so two requests, or two server
processes, can never both believe that they moved the same upload.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime

import sqlalchemy as sa

from sarau.catalog import events
from sarau.catalog._records import Records
from sarau.catalog.tables import uploads
from sarau.errors import Code, RefusedCode, RefusedError
from sarau.model.clock import now
from sarau.model.ids import TrackId, UploadId, UserId
from sarau.model.lifecycle import UploadState
from sarau.model.upload import Upload

_ROWS = Records(uploads, Upload, state=UploadState)
PARTIAL = "partial"
"""The `concat` of an upload that is only a piece of a later one."""


def create(connection: sa.Connection, upload: Upload) -> None:
    """Insert a new upload and record `upload.created`."""
    connection.execute(sa.insert(uploads).values(asdict(upload)))
    events.record(
        connection,
        "upload.created",
        owner_id=upload.owner_id,
        track_id=upload.track_id,
        upload_id=upload.id,
        data={"filename": upload.filename, "size_bytes": upload.size_bytes},
    )


def get(
    connection: sa.Connection,
    upload_id: UploadId,
    *,
    owner_id: UserId | None = None,
    settled: bool = False,
) -> Upload:
    """Return an upload in whatever state, of anybody or of `owner_id` only.

    Args:
        connection: In whose transaction.
        upload_id: Which.
        owner_id: Whose; None for anybody's.
        settled: Wait for a commit on its way. PostgreSQL finishes that of a server
            process which was killed meanwhile, and whose lock on the file is gone.

    Raises:
        RefusedError: `not_found`, also when it is somebody else's.

    """
    query = sa.select(*_ROWS.columns).where(uploads.c.id == upload_id)
    if owner_id is not None:
        query = query.where(uploads.c.owner_id == owner_id)
    if settled:
        query = query.with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise RefusedError(RefusedCode.NOT_FOUND, f"no upload {upload_id!r}")
    return _ROWS.read(row)


def of_track(
    connection: sa.Connection, track_id: TrackId, *, settled: bool = False
) -> Upload | None:
    """Return the upload that brought a track; `settled` as for `get`."""
    query = sa.select(*_ROWS.columns).where(uploads.c.track_id == track_id)
    if settled:
        query = query.with_for_update()
    row = connection.execute(query).one_or_none()
    return None if row is None else _ROWS.read(row)


def of_tracks(connection: sa.Connection, track_ids: Sequence[TrackId]) -> dict[TrackId, Upload]:
    """Return the uploads that brought these tracks, by track."""
    found = _ROWS.of(connection, uploads.c.track_id, track_ids)
    return {upload.track_id: upload for upload in found if upload.track_id is not None}


def advance(
    connection: sa.Connection, upload: Upload, offset_bytes: int, *, expires_at: datetime
) -> Upload:
    """Acknowledge bytes that are on disk already, up to `offset_bytes`.

    Raises:
        RefusedError: `upload_gone` when it is no longer being received or has moved
            since it was read: the caller's bytes are not acknowledged.

    """
    moved = replace(upload, offset_bytes=offset_bytes, updated_at=now(), expires_at=expires_at)
    return _change(connection, upload, moved)


def declare_size(connection: sa.Connection, upload: Upload, size_bytes: int) -> Upload:
    """Fix the length of an upload whose length was deferred.

    Raises:
        RefusedError: `upload_gone`, as for `advance`.

    """
    return _change(connection, upload, replace(upload, size_bytes=size_bytes, updated_at=now()))


def receive(
    connection: sa.Connection, upload: Upload, *, sha256: str | None, expires_at: datetime
) -> Upload:
    """Acknowledge the whole file, of `upload.size_bytes`, and record `upload.received`.

    Raises:
        RefusedError: `upload_gone`, as for `advance`.

    """
    if upload.size_bytes is None:
        raise RefusedError(RefusedCode.UPLOAD_LENGTH_INVALID, "the length was never declared")
    whole = replace(
        upload,
        offset_bytes=upload.size_bytes,
        sha256=sha256,
        state=UploadState.RECEIVED,
        updated_at=now(),
        expires_at=expires_at,
    )
    received = _change(connection, upload, whole)
    events.record(
        connection,
        "upload.received",
        owner_id=upload.owner_id,
        track_id=upload.track_id,
        upload_id=upload.id,
        data={"size_bytes": upload.size_bytes, "sha256": sha256},
    )
    return received


def let_go(
    connection: sa.Connection,
    upload: Upload,
    new: UploadState,
    kind: str,
    *,
    code: Code | None = None,
    sha256: str | None = None,
) -> Upload:
    """Move an upload to `stored`, `discarded` or `damaged` and record `upload.<kind>`.

    `sha256` names the object that holds its bytes from now on.

    The caller removes the file only after this has been committed.

    Raises:
        RefusedError: `upload_gone`, when it has moved since it was read.

    """
    moved = replace(upload, state=new, sha256=sha256 or upload.sha256, updated_at=now())
    gone = _change(connection, upload, moved)
    why = {"code": str(code)} if code else {}
    events.record(
        connection,
        f"upload.{kind}",
        owner_id=upload.owner_id,
        track_id=upload.track_id,
        upload_id=upload.id,
        data={"offset_bytes": upload.offset_bytes} | why,
    )
    return gone


def _change(connection: sa.Connection, old: Upload, new: Upload) -> Upload:
    before, after = asdict(old), asdict(new)
    changed = connection.execute(
        sa.update(uploads)
        .where(
            uploads.c.id == old.id,
            uploads.c.state == old.state,
            uploads.c.offset_bytes == old.offset_bytes,
        )
        .values({name: value for name, value in after.items() if value != before[name]})
    )
    if changed.rowcount != 1:
        raise RefusedError(
            RefusedCode.UPLOAD_GONE, f"upload {old.id} is no longer {old.state} at its offset"
        )
    return new


def in_state(
    connection: sa.Connection, *states: UploadState, after: str = "", limit: int = 500
) -> list[Upload]:
    """Return uploads in one of `states`, by id, a page at a time."""
    query = (
        sa.select(*_ROWS.columns)
        .where(uploads.c.state.in_(states), uploads.c.id > after)
        .order_by(uploads.c.id)
        .limit(limit)
    )
    return [_ROWS.read(row) for row in connection.execute(query)]


def expired(connection: sa.Connection, at: datetime, *, limit: int = 500) -> list[Upload]:
    """Return what nobody continued in time: unfinished uploads, and pieces that were finished."""
    unfinished = uploads.c.state == UploadState.RECEIVING
    piece = sa.and_(uploads.c.state == UploadState.RECEIVED, uploads.c.concat == PARTIAL)
    query = (
        sa.select(*_ROWS.columns)
        .where(sa.or_(unfinished, piece), uploads.c.expires_at <= at)
        .order_by(uploads.c.expires_at)
        .limit(limit)
    )
    return [_ROWS.read(row) for row in connection.execute(query)]


def outstanding_bytes(connection: sa.Connection) -> int:
    """Return what unfinished uploads have declared and not yet sent."""
    return int(connection.execute(_OUTSTANDING).scalar_one() or 0)


# Asked for every upload, and several times a second: to build them costs more than to run them.
_OUTSTANDING = sa.select(sa.func.sum(uploads.c.size_bytes - uploads.c.offset_bytes)).where(
    uploads.c.state == UploadState.RECEIVING
)
_WANTED = sa.select(uploads.c.id, uploads.c.wanted_by).where(
    uploads.c.id.in_(sa.bindparam("among", expanding=True))
)


def states_of(
    connection: sa.Connection, upload_ids: Sequence[UploadId]
) -> dict[UploadId, UploadState]:
    """Return the states of those of `upload_ids` that exist."""
    query = sa.select(uploads.c.id, uploads.c.state).where(uploads.c.id.in_(upload_ids))
    return {UploadId(row[0]): UploadState(row[1]) for row in connection.execute(query)}


def want(connection: sa.Connection, upload_id: UploadId, request_id: str) -> None:
    """Ask whoever holds the upload, in whatever process, to let go of it for a newer request."""
    connection.execute(
        sa.update(uploads).where(uploads.c.id == upload_id).values(wanted_by=request_id)
    )


def wanted(connection: sa.Connection, upload_ids: Sequence[UploadId]) -> dict[UploadId, str | None]:
    """Return the newest waiting request of each upload."""
    found = connection.execute(_WANTED, {"among": list(upload_ids)})
    return {UploadId(row[0]): row[1] for row in found}
