"""Volumes remember when a sync of theirs last failed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("volumes", sa.Column("sync_failed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("volumes", sa.Column("sync_error", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("volumes", "sync_error")
    op.drop_column("volumes", "sync_failed_at")
