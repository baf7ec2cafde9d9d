"""Which disk belongs to this catalog, so that an empty mount point is not taken for it."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from sarau.catalog.database import insert_into
from sarau.catalog.tables import volumes
from sarau.errors import FailedCode, FailedError
from sarau.model.clock import now


def known_id(connection: sa.Connection, role: str) -> str | None:
    """Return the id of the volume that serves as `role`, None before its first use."""
    query = sa.select(volumes.c.id).where(volumes.c.role == role)
    return connection.execute(query).scalar_one_or_none()


def remember(connection: sa.Connection, role: str, volume_id: str) -> None:
    """Tie a volume to this catalog for good; remembering it again changes nothing.

    Raises:
        FailedError: `volume_mismatch`, when another one serves as `role`.

    """
    row = {"role": role, "id": volume_id, "created_at": now()}
    # Another process may start for the first time just now.
    connection.execute(insert_into(connection, volumes).values(row).on_conflict_do_nothing())
    if (known := known_id(connection, role)) != volume_id:
        detail = f"the catalog's {role} is {known}, not {volume_id}"
        raise FailedError(FailedCode.VOLUME_MISMATCH, detail)


@dataclass(frozen=True, slots=True)
class SyncError:
    """A sync that failed; what it should have put on disk was given up."""

    at: datetime
    detail: str


def note_sync_error(connection: sa.Connection, role: str, detail: str) -> None:
    """Remember that a sync of a volume failed just now."""
    connection.execute(
        sa.update(volumes)
        .where(volumes.c.role == role)
        .values(sync_failed_at=now(), sync_error=detail)
    )


def last_sync_errors(connection: sa.Connection) -> dict[str, SyncError]:
    """Return the last failed sync of each volume that ever had one, by role."""
    columns = (volumes.c.role, volumes.c.sync_failed_at, volumes.c.sync_error)
    query = sa.select(*columns).where(volumes.c.sync_failed_at.is_not(None))
    return {row[0]: SyncError(row[1], row[2] or "") for row in connection.execute(query)}
