"""Imports: which file of a folder became which upload, so that none is taken twice.

The row is written in the transaction that creates the upload. Whether the file is
here is then what the upload itself says, so the two can never disagree.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from sarau.catalog import events
from sarau.catalog.database import insert_into
from sarau.catalog.tables import imports, tracks, uploads
from sarau.errors import RefusedCode, RefusedError
from sarau.model.clock import now
from sarau.model.ids import TrackId, UploadId
from sarau.model.lifecycle import TrackState, UploadState
from sarau.model.original import Identity
from sarau.model.upload import Upload


@dataclass(frozen=True, slots=True)
class Taken:
    """An original that was taken, at least in part, and what became of it."""

    identity: Identity
    upload_id: UploadId
    upload_state: UploadState
    offset_bytes: int
    is_whole: bool
    """All its bytes arrived, wherever they are by now."""
    sha256: str | None
    track_id: TrackId
    track_state: TrackState


_QUERY = (
    sa.select(
        imports,
        uploads.c.state.label("upload_state"),
        uploads.c.offset_bytes,
        uploads.c.size_bytes.label("length_bytes"),
        uploads.c.sha256,
        uploads.c.track_id,
        tracks.c.state.label("track_state"),
    )
    .join(uploads, uploads.c.id == imports.c.upload_id)
    .join(tracks, tracks.c.id == uploads.c.track_id)
    .order_by(imports.c.created_at)
)
_IDENTITY = (
    imports.c.inode,
    imports.c.size_bytes,
    imports.c.mtime_ns,
    imports.c.ctime_ns,
    imports.c.device,
)


def _taken(row: sa.RowMapping) -> Taken:
    state = UploadState(row["upload_state"])
    return Taken(
        identity=Identity(**{column.name: row[column.name] for column in _IDENTITY}),
        upload_id=row["upload_id"],
        upload_state=state,
        offset_bytes=row["offset_bytes"],
        is_whole=state is not UploadState.DAMAGED
        and state is not UploadState.RECEIVING
        and row["offset_bytes"] == row["length_bytes"],
        sha256=row["sha256"],
        track_id=row["track_id"],
        track_state=TrackState(row["track_state"]),
    )


def like(connection: sa.Connection, identities: Sequence[Identity]) -> list[Taken]:
    """Return what was taken from files that are, or may be, these (`Identity.is_like`)."""
    keys = [(one.inode, one.size_bytes, one.mtime_ns) for one in identities]
    query = _QUERY.where(sa.tuple_(*_IDENTITY[:3]).in_(keys))
    return [_taken(row) for row in connection.execute(query).mappings()]


def half_taken(connection: sa.Connection) -> list[Taken]:
    """Return originals whose copy was begun and is not whole."""
    query = _QUERY.where(uploads.c.state == UploadState.RECEIVING)
    return [_taken(row) for row in connection.execute(query).mappings()]


def add(
    connection: sa.Connection,
    identity: Identity,
    upload: Upload,
    *,
    path: str,
    instead_of: UploadId | None,
) -> None:
    """Tie an original to the upload that is being created and record `upload.imported`.

    Args:
        connection: With the transaction that creates the upload.
        identity: Of the original.
        upload: The new upload.
        path: Where the original lies, for people.
        instead_of: An earlier upload of the same original that came to nothing.

    Raises:
        RefusedError: `upload_locked`, when another process has just taken it.

    """
    if instead_of is not None:
        remove(connection, instead_of)
    row = {**asdict(identity), "upload_id": upload.id, "created_at": now()}
    adding = insert_into(connection, imports).values(row).on_conflict_do_nothing()
    if connection.execute(adding.returning(imports.c.upload_id)).first() is None:
        raise RefusedError(RefusedCode.UPLOAD_LOCKED, f"another process takes {path}")
    events.record(
        connection,
        "upload.imported",
        owner_id=upload.owner_id,
        track_id=upload.track_id,
        upload_id=upload.id,
        data={"path": path},
    )


def recognise(connection: sa.Connection, upload_id: UploadId, identity: Identity) -> None:
    """Say that a file whose bytes were found to be the same goes by a new identity."""
    connection.execute(
        sa.update(imports).where(imports.c.upload_id == upload_id).values(asdict(identity))
    )


def remove(connection: sa.Connection, upload_id: UploadId) -> None:
    """Forget where an upload came from: its original is gone, or has to be taken again."""
    connection.execute(sa.delete(imports).where(imports.c.upload_id == upload_id))
