"""The renditions of a long track, made on several workers at once.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add a table for what is divided among workers; it is empty most of the time."""
    op.create_table(
        "render_groups",
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.Column("hand", sa.String(16)),
        sa.Column("token", sa.String(32)),
        sa.Column("worker_id", sa.String(128)),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("made", sa.JSON(none_as_null=True)),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_render_groups")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_render_groups_run_id_runs")),
    )


def downgrade() -> None:
    """Remove it; a run that was divided is rendered by one worker again."""
    op.drop_table("render_groups")
