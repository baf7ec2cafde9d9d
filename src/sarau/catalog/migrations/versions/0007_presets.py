"""Presets of users, and with each run the preset as it was when the run was queued."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "presets",
        sa.Column("owner_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_presets_owner_id_users")),
        sa.PrimaryKeyConstraint("owner_id", "name", name=op.f("pk_presets")),
    )
    op.add_column("runs", sa.Column("definition", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("runs", "definition")
    op.drop_table("presets")
