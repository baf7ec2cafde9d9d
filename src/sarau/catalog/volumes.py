"""Which disk belongs to this catalog, so that an empty mount point is not taken for it."""

import sqlalchemy as sa

from sarau.catalog.tables import volumes
from sarau.model.clock import now


def known_id(connection: sa.Connection, role: str) -> str | None:
    """Return the id of the volume that serves as `role`, None before its first use."""
    query = sa.select(volumes.c.id).where(volumes.c.role == role)
    return connection.execute(query).scalar_one_or_none()


def remember(connection: sa.Connection, role: str, volume_id: str) -> None:
    """Tie a volume to this catalog for good; remembering it again changes nothing."""
    if known_id(connection, role) is None:
        row = {"role": role, "id": volume_id, "created_at": now()}
        connection.execute(sa.insert(volumes).values(row))
