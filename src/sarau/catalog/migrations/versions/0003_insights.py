"""Insights: the quality report of a source and its pictures."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "insights",
        sa.Column("track_id", sa.String(length=32), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("loudness_curve", sa.JSON(), nullable=False),
        sa.Column("spectrogram", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["track_id"], ["tracks.id"], name=op.f("fk_insights_track_id_tracks")
        ),
        sa.PrimaryKeyConstraint("track_id", name=op.f("pk_insights")),
    )


def downgrade() -> None:
    op.drop_table("insights")
