"""Landings: objects of the intake bucket and the uploads they became."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "landings",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("upload_id", sa.String(length=32), nullable=False),
        sa.Column("bucket", sa.String(length=255), nullable=False),
        sa.Column("object_key", sa.String(length=1024), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name=op.f("fk_landings_upload_id_uploads")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_landings")),
        sa.UniqueConstraint("upload_id", name=op.f("uq_landings_upload_id")),
    )


def downgrade() -> None:
    op.drop_table("landings")
