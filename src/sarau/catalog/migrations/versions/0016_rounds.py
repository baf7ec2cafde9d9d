"""What the caretaker looks for at every round, found without all that it has dealt with."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_INDEXES = {
    "ix_tracks_failed": (["state", "code"], "state = 'failed'"),
    "ix_tracks_unpurged": (["state", "updated_at"], "state = 'deleted' AND purged_at IS NULL"),
}
_BEFORE = """
UPDATE tracks SET purged_at = updated_at
WHERE state = 'deleted' AND purged_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM sources WHERE sources.track_id = tracks.id)
    AND NOT EXISTS (SELECT 1 FROM renditions WHERE renditions.track_id = tracks.id)
    AND NOT EXISTS (
        SELECT 1 FROM uploads WHERE uploads.track_id = tracks.id AND uploads.state = 'received'
    )"""
"""What older versions have purged; they knew it by this."""


def upgrade() -> None:
    # It is there already where the rest was broken off.
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("tracks")}
    if "purged_at" not in there:
        op.add_column("tracks", sa.Column("purged_at", sa.DateTime(timezone=True), nullable=True))
    with op.get_context().autocommit_block():
        is_postgresql = op.get_bind().dialect.name == "postgresql"
        op.execute(_BEFORE)
        if is_postgresql:
            patience = op.get_bind().exec_driver_sql("SHOW lock_timeout").scalar_one()
            op.execute("SET lock_timeout = 0")  # it waits for writers, and nobody for it
        for name, (columns, where) in _INDEXES.items():
            # One that was broken off is there and of no use: it is made anew.
            op.drop_index(name, "tracks", if_exists=True, postgresql_concurrently=True)
            op.create_index(
                name,
                "tracks",
                columns,
                postgresql_concurrently=True,
                postgresql_where=sa.text(where),
                sqlite_where=sa.text(where),
            )
        if is_postgresql:
            # The session goes on to the next migration, which others would wait for.
            op.execute(f"SET lock_timeout = '{patience}'")


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, "tracks")
    op.drop_column("tracks", "purged_at")
