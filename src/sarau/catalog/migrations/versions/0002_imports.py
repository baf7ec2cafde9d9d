"""Imports: which file of a watched or imported folder became which upload."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("upload_id", sa.String(length=32), nullable=False),
        sa.Column("inode", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("ctime_ns", sa.BigInteger(), nullable=False),
        sa.Column("device", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name=op.f("fk_imports_upload_id_uploads")
        ),
        sa.PrimaryKeyConstraint("upload_id", name=op.f("pk_imports")),
        sa.UniqueConstraint(
            "inode",
            "size_bytes",
            "mtime_ns",
            "ctime_ns",
            "device",
            name=op.f("uq_imports_inode_size_bytes_mtime_ns_ctime_ns_device"),
        ),
    )


def downgrade() -> None:
    op.drop_table("imports")
