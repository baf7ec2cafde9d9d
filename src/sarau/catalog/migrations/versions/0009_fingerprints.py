"""Acoustic fingerprints, what they are found by, and which tracks are the same recording."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "fingerprints",
        sa.Column("track_id", sa.String(length=32), nullable=False),
        sa.Column("chromaprint", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["track_id"], ["tracks.id"], name=op.f("fk_fingerprints_track_id_tracks")
        ),
        sa.PrimaryKeyConstraint("track_id", name=op.f("pk_fingerprints")),
    )
    op.create_table(
        "fingerprint_marks",
        sa.Column("mark", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("track_id", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("mark", "track_id", name=op.f("pk_fingerprint_marks")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "likenesses",
        sa.Column("track_id", sa.String(length=32), nullable=False),
        sa.Column("other_id", sa.String(length=32), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("offset_s", sa.Double(), nullable=False),
        sa.Column("matched_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["other_id"], ["tracks.id"], name=op.f("fk_likenesses_other_id_tracks")
        ),
        sa.ForeignKeyConstraint(
            ["track_id"], ["tracks.id"], name=op.f("fk_likenesses_track_id_tracks")
        ),
        sa.PrimaryKeyConstraint("track_id", "other_id", name=op.f("pk_likenesses")),
    )
    op.create_index(op.f("ix_likenesses_other_id"), "likenesses", ["other_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_likenesses_other_id"), "likenesses")
    op.drop_table("likenesses")
    op.drop_table("fingerprint_marks")
    op.drop_table("fingerprints")
