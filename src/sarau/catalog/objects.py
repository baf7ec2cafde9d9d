"""Objects of the library: which bytes are stored, and which nobody needs any more."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from sarau.catalog import events
from sarau.catalog.database import insert_into
from sarau.catalog.tables import objects, renditions, sources, tracks, uploads
from sarau.model.clock import now
from sarau.model.ids import LOCAL_USER_ID
from sarau.model.lifecycle import TrackState, UploadState

_OBJECTS_LOCK = 0x5A5A_0002


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Bytes on E, named by their SHA-256 in lower-case hexadecimal."""

    sha256: str
    size_bytes: int
    stored_at: datetime
    """When somebody stored them last: what is made again is of use again."""
    verified_at: datetime | None = None
    """When the bytes were last read through and had their name."""
    damaged_at: datetime | None = None
    """When they were last found not to; None again once they are sound."""


def add(connection: sa.Connection, sha256: str, size_bytes: int) -> None:
    """Record that an object was stored just now, and is sound: whoever stored it has looked."""
    row = {"sha256": sha256, "size_bytes": size_bytes, "stored_at": now()}
    stored = (
        insert_into(connection, objects)
        .values(row)
        .on_conflict_do_update(
            index_elements=[objects.c.sha256], set_={"stored_at": row["stored_at"]}
        )
        .returning(objects.c.damaged_at)
    )
    if connection.execute(stored).scalar_one() is not None:
        _turn(connection, sha256, {"damaged_at": None}, sound=True)


def _turn(
    connection: sa.Connection, sha256: str, found: Mapping[str, datetime | None], *, sound: bool
) -> bool:
    """Change the row of an object that was thought to be the opposite, and record it."""
    marked = objects.c.damaged_at.is_not(None) if sound else objects.c.damaged_at.is_(None)
    row = connection.execute(
        sa.update(objects)
        .where(objects.c.sha256 == sha256, marked)
        .values(found)
        .returning(objects.c.size_bytes)
    ).one_or_none()
    if row is None:
        return False
    events.record(
        connection,
        "object.restored" if sound else "object.damaged",
        owner_id=LOCAL_USER_ID,
        data={"sha256": sha256, "size_bytes": row.size_bytes},
    )
    return True


def is_sound(connection: sa.Connection, sha256: str) -> bool:
    """Tell whether an object is recorded, and was not found damaged when it was last read."""
    query = sa.select(objects.c.sha256).where(
        objects.c.sha256 == sha256, objects.c.damaged_at.is_(None)
    )
    return connection.execute(query).first() is not None


def is_recorded(connection: sa.Connection, sha256: str) -> bool:
    """Tell whether an object is recorded, sound or not."""
    query = sa.select(objects.c.sha256).where(objects.c.sha256 == sha256)
    return connection.execute(query).first() is not None


def lock(connection: sa.Connection) -> None:
    """Keep every other transaction that ties tracks to objects waiting until this one ends.

    So of two files with the same bytes the second sees the first. Nothing slow belongs into
    such a transaction: what keeps the collector away while a library is asked is
    `catalog/object_lock.py`. SQLite has one writer at a time and needs no more.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_OBJECTS_LOCK)))


_UNFINISHED = (
    TrackState.RECEIVED,
    TrackState.PROCESSING,
    TrackState.FAILED,
    TrackState.CANCELLED,
)
"""The states in which a source that was promoted before it was examined is still needed."""
_UNREFERENCED = sa.and_(
    ~sa.exists().where(sources.c.object_sha256 == objects.c.sha256),
    ~sa.exists().where(renditions.c.object_sha256 == objects.c.sha256),
    ~sa.exists().where(
        uploads.c.sha256 == objects.c.sha256,
        uploads.c.state == UploadState.STORED,
        tracks.c.id == uploads.c.track_id,
        tracks.c.state.in_(_UNFINISHED),
    ),
)


def unreferenced(
    connection: sa.Connection, *, before: datetime, after: str = "", limit: int
) -> tuple[list[StoredObject], str]:
    """Look through a page of objects for those that nothing refers to, stored before a time.

    Returns:
        Them, and the `after` of the next page; empty when this one was the last.

    """
    query = (
        sa.select(objects, _UNREFERENCED.label("unneeded"))
        .where(objects.c.sha256 > after)
        .order_by(objects.c.sha256)
        .limit(limit)
    )
    page = [dict(row) for row in connection.execute(query).mappings()]
    found = [StoredObject(**row) for row in page if row.pop("unneeded")]
    return (
        [one for one in found if one.stored_at < before],
        page[-1]["sha256"] if len(page) == limit else "",
    )


def is_unreferenced(
    connection: sa.Connection, sha256: str, *, before: datetime | None = None
) -> bool:
    """Tell whether an object exists that nothing refers to; with `before`, stored before that."""
    query = sa.select(objects.c.sha256).where(objects.c.sha256 == sha256, _UNREFERENCED)
    if before is not None:
        query = query.where(objects.c.stored_at < before)
    return connection.execute(query).first() is not None


def remove(connection: sa.Connection, sha256: str) -> None:
    """Forget an object whose file is gone."""
    connection.execute(sa.delete(objects).where(objects.c.sha256 == sha256))


def due(
    connection: sa.Connection, *, before: datetime, damaged_before: datetime, limit: int
) -> list[StoredObject]:
    """Return objects to be read through: never read, read long ago, and last the damaged ones.

    Somebody may have restored a damaged one, so it is read again.

    Args:
        connection: In whose transaction.
        before: Those are due that were stored or read before this.
        damaged_before: And those that were last found damaged before this.
        limit: How many at most.

    """
    sound = objects.c.damaged_at.is_(None)
    never = sa.and_(sound, objects.c.verified_at.is_(None), objects.c.stored_at < before)
    long_ago = sa.and_(sound, objects.c.verified_at < before)
    found: list[StoredObject] = []
    # One query each, in the order of the index: together they would use none.
    for kind in (never, long_ago, objects.c.damaged_at < damaged_before):
        query = (
            sa.select(objects)
            .where(kind)
            .order_by(objects.c.damaged_at, objects.c.verified_at, objects.c.stored_at)
            .limit(limit - len(found))
        )
        found += [StoredObject(**row) for row in connection.execute(query).mappings()]
    return found


def oldest_unread_at(connection: sa.Connection) -> datetime | None:
    """Return since when the object that waits longest for its reading was not read.

    Each part is the first of the index; PostgreSQL does not see so in a minimum.
    """
    found: list[datetime] = []
    for since, is_read in (
        (objects.c.stored_at, objects.c.verified_at.is_(None)),
        (objects.c.verified_at, objects.c.verified_at.is_not(None)),
    ):
        first = (
            sa.select(since)
            .where(objects.c.damaged_at.is_(None), is_read)
            .order_by(objects.c.damaged_at, objects.c.verified_at, objects.c.stored_at)
            .limit(1)
        )
        found += connection.execute(first).scalars()
    return min(found, default=None)


def mark_read(connection: sa.Connection, sha256: str, *, sound: bool) -> None:
    """Say what reading an object through has found; record what is new."""
    found = {"verified_at": now(), "damaged_at": None} if sound else {"damaged_at": now()}
    if not _turn(connection, sha256, found, sound=sound):
        connection.execute(sa.update(objects).where(objects.c.sha256 == sha256).values(found))


def count_damaged(connection: sa.Connection) -> int:
    """Return how many objects no longer have the bytes of their name."""
    query = sa.select(sa.func.count()).where(objects.c.damaged_at.is_not(None))
    number: int = connection.execute(query).scalar_one()
    return number
