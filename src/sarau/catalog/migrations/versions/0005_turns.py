"""Indexes for turns and for what is stored and not yet examined, made beside readers and writers."""

from alembic import op

revision = "0005"
down_revision = "0004"

_INDEXES = (
    ("ix_runs_state_turn", "runs", ["state", "turn"]),
    ("ix_runs_state_owner_id_turn", "runs", ["state", "owner_id", "turn"]),
    ("ix_uploads_sha256", "uploads", ["sha256"]),
    ("ix_tracks_owner_id_state_id", "tracks", ["owner_id", "state", "id"]),
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        is_postgresql = op.get_bind().dialect.name == "postgresql"
        if is_postgresql:
            patience = op.get_bind().exec_driver_sql("SHOW lock_timeout").scalar_one()
            op.execute("SET lock_timeout = 0")  # it waits for writers, and nobody for it
        for name, table, columns in _INDEXES:
            # One that was broken off is there and of no use: it is made anew.
            op.drop_index(
                op.f(name), table_name=table, if_exists=True, postgresql_concurrently=True
            )
            op.create_index(op.f(name), table, columns, postgresql_concurrently=True)
        if is_postgresql:
            # The session goes on to the next migration, which others would wait for.
            op.execute(f"SET lock_timeout = '{patience}'")


def downgrade() -> None:
    for name, table, _columns in reversed(_INDEXES):
        op.drop_index(op.f(name), table_name=table)
