"""Which volumes belong to this catalog, so that another disk is never taken for one."""

import sqlalchemy as sa

from sarau.catalog.tables import volumes
from sarau.model.clock import now


def known_id(connection: sa.Connection, role: str) -> str | None:
    """Return the id of the volume that served in `role` so far, None before the first."""
    query = sa.select(volumes.c.id).where(volumes.c.role == role)
    return connection.execute(query).scalar_one_or_none()


def remember(connection: sa.Connection, role: str, volume_id: str) -> None:
    """Tie a volume to this catalog."""
    row = {"role": role, "id": volume_id, "first_seen_at": now()}
    connection.execute(sa.insert(volumes).values(row))
