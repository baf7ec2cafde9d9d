"""An index for what the scrub has to read next, made beside readers and writers."""

from alembic import op

revision = "0008"
down_revision = "0007"

_NEW = "ix_objects_damaged_at_verified_at_stored_at"
_OLD = "ix_objects_verified_at"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        is_postgresql = op.get_bind().dialect.name == "postgresql"
        if is_postgresql:
            patience = op.get_bind().exec_driver_sql("SHOW lock_timeout").scalar_one()
            op.execute("SET lock_timeout = 0")  # it waits for writers, and nobody for it
        # One that was broken off is there and of no use: it is made anew.
        _drop(_NEW)
        columns = ["damaged_at", "verified_at", "stored_at"]
        op.create_index(op.f(_NEW), "objects", columns, postgresql_concurrently=True)
        _drop(_OLD)
        if is_postgresql:
            # The session goes on to the next migration, which others would wait for.
            op.execute(f"SET lock_timeout = '{patience}'")


def _drop(name: str) -> None:
    op.drop_index(op.f(name), table_name="objects", if_exists=True, postgresql_concurrently=True)


def downgrade() -> None:
    op.create_index(op.f(_OLD), "objects", ["verified_at"])
    op.drop_index(op.f(_NEW), table_name="objects")
