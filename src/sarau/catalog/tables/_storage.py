"""The disks, and the objects on them."""

import sqlalchemy as sa

from sarau.catalog.tables._columns import ID, SHA256, metadata, time_column

# Which disk is mounted for which role, so that an empty mount point is never taken for a volume.
volumes = sa.Table(
    "volumes",
    metadata,
    sa.Column("role", sa.String(16), primary_key=True),
    sa.Column("id", ID, nullable=False),
    time_column("created_at"),
    # The last time that a sync of it failed, and what the system said.
    time_column("sync_failed_at", nullable=True),
    sa.Column("sync_error", sa.Text),
)

objects = sa.Table(
    "objects",
    metadata,
    sa.Column("sha256", SHA256, primary_key=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    time_column("stored_at"),
    time_column("verified_at", nullable=True),
    time_column("damaged_at", nullable=True),
    # In the order in which they are due to be read, in each of three kinds (objects.due).
    sa.Index(None, "damaged_at", "verified_at", "stored_at"),
)
