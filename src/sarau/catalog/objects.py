"""Objects of the library: which bytes are stored, and which must not be collected."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sarau.catalog.tables import objects, pins, renditions, sources
from sarau.model.clock import now
from sarau.model.ids import RunId


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Bytes on E, named by their SHA-256 in lower-case hexadecimal."""

    sha256: str
    size_bytes: int
    stored_at: datetime


def add(connection: sa.Connection, sha256: str, size_bytes: int) -> None:
    """Record that an object is stored; recording it again changes nothing."""
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    row = {"sha256": sha256, "size_bytes": size_bytes, "stored_at": now()}
    connection.execute(insert(objects).values(row).on_conflict_do_nothing())


def pin(connection: sa.Connection, sha256: str, run_id: RunId, expires_at: datetime) -> None:
    """Keep an object, stored or about to be, from collection until `expires_at`."""
    unpin(connection, run_id, sha256)
    row = {"sha256": sha256, "run_id": run_id, "expires_at": expires_at}
    connection.execute(sa.insert(pins).values(row))


def unpin(connection: sa.Connection, run_id: RunId, sha256: str | None = None) -> None:
    """Let go of one object that a run keeps, or of all of them."""
    query = sa.delete(pins).where(pins.c.run_id == run_id)
    connection.execute(query if sha256 is None else query.where(pins.c.sha256 == sha256))


def unreferenced(connection: sa.Connection, *, before: datetime, limit: int) -> list[StoredObject]:
    """Return objects that no source, rendition or living pin refers to, stored before a time."""
    referring = (
        sa.select(sources.c.object_sha256).where(sources.c.object_sha256 == objects.c.sha256),
        sa.select(renditions.c.object_sha256).where(renditions.c.object_sha256 == objects.c.sha256),
        sa.select(pins.c.sha256).where(
            pins.c.sha256 == objects.c.sha256, pins.c.expires_at > now()
        ),
    )
    query = sa.select(objects).where(
        objects.c.stored_at < before, *(~sa.exists(one) for one in referring)
    )
    return [StoredObject(**row) for row in connection.execute(query.limit(limit)).mappings()]


def remove(connection: sa.Connection, sha256: str) -> None:
    """Forget an object whose file is gone."""
    connection.execute(sa.delete(objects).where(objects.c.sha256 == sha256))


def every(connection: sa.Connection, *, after: str = "", limit: int = 1000) -> list[StoredObject]:
    """Return objects by name, a page at a time, for checking them."""
    query = sa.select(objects).where(objects.c.sha256 > after).order_by(objects.c.sha256)
    return [StoredObject(**row) for row in connection.execute(query.limit(limit)).mappings()]
