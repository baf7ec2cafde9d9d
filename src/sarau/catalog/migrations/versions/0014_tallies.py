"""Triggers that tally tracks, uploads and objects, and what is there already.

On PostgreSQL each table's triggers and first count are one transaction of their own: writers of
that table wait while it is counted, readers do not, and no two tables are locked at once.
"""

from alembic import op

revision = "0014"
down_revision = "0013"

_TABLES = {
    "tracks": ("owner_id", "state"),
    "uploads": ("owner_id", "state"),
    "objects": ("''", "'stored'"),
}
"""What is counted apart in each: whose rows, and in which state."""


_ADD = "INSERT INTO tallies (id, what, owner_id, state, number)"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table, apart in _TABLES.items():
            for statement in _on_sqlite(table, *apart):
                op.execute(statement)
            op.execute(_first_count(table, *apart, "lower(hex(randomblob(16)))"))
        return
    with op.get_context().autocommit_block():
        for table, apart in _TABLES.items():
            op.get_bind().exec_driver_sql(_on_postgresql(table, *apart))


def downgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for table in _TABLES:
        for change in ("insert", "delete", "update"):
            on = f" ON {table}" if is_postgresql else ""
            op.execute(f"DROP TRIGGER IF EXISTS tally_{table}_{change}{on}")
        if is_postgresql:
            op.execute(f"DROP FUNCTION IF EXISTS sarau_tally_{table}()")


def _counted(table: str, owner_id: str, state: str, an_id: str, *, of: str, sign: str = "") -> str:
    """Return the end of an INSERT that counts the rows `of` a table or a change of it."""
    apart = [part for part in (owner_id, state) if not _is_constant(part)]
    each = f" GROUP BY {', '.join(apart)}" if apart else ""
    what = f"SELECT {an_id}, '{table}', {owner_id}, {state}, {sign}count(*)"
    return f"{what} FROM {of}{each} HAVING count(*) > 0"


def _is_constant(part: str) -> bool:
    return part.startswith("'")


def _first_count(table: str, owner_id: str, state: str, an_id: str) -> str:
    return f"{_ADD} {_counted(table, owner_id, state, an_id, of=table)}"


def _on_sqlite(table: str, owner_id: str, state: str) -> list[str]:
    def note(row: str, number: int) -> str:
        parts = (owner_id, state)
        apart = ", ".join(part if _is_constant(part) else f"{row}.{part}" for part in parts)
        return f"{_ADD} VALUES (lower(hex(randomblob(16))), '{table}', {apart}, {number});"

    made = [
        f"CREATE TRIGGER tally_{table}_insert AFTER INSERT ON {table} BEGIN {note('new', 1)} END",
        f"CREATE TRIGGER tally_{table}_delete AFTER DELETE ON {table} BEGIN {note('old', -1)} END",
    ]
    if not _is_constant(state):
        made.append(
            f"CREATE TRIGGER tally_{table}_update AFTER UPDATE OF state ON {table}"
            f" WHEN old.state <> new.state BEGIN {note('old', -1)} {note('new', 1)} END"
        )
    return made


_AN_ID = "replace(gen_random_uuid()::text, '-', '')"


def _on_postgresql(table: str, owner_id: str, state: str) -> str:
    """Return statements that are one transaction, and that may be begun anew."""
    added = _counted(table, owner_id, state, _AN_ID, of="changed")
    removed = _counted(table, owner_id, state, _AN_ID, of="changed", sign="-")
    moved = ""
    if not _is_constant(state):
        moved = f"""
CREATE TRIGGER tally_{table}_update AFTER UPDATE OF state ON {table} FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION sarau_tally_{table}();"""
    changed = (
        ""
        if _is_constant(state)
        else f"""
    ELSIF TG_OP = 'UPDATE' THEN
        {_ADD} VALUES ({_AN_ID}, '{table}', OLD.owner_id, OLD.state, -1),
                      ({_AN_ID}, '{table}', NEW.owner_id, NEW.state, 1);"""
    )
    return f"""
DROP TRIGGER IF EXISTS tally_{table}_insert ON {table};
DROP TRIGGER IF EXISTS tally_{table}_delete ON {table};
DROP TRIGGER IF EXISTS tally_{table}_update ON {table};
CREATE OR REPLACE FUNCTION sarau_tally_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        {_ADD} {added};
    ELSIF TG_OP = 'DELETE' THEN
        {_ADD} {removed};{changed}
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_{table}_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION sarau_tally_{table}();
CREATE TRIGGER tally_{table}_delete AFTER DELETE ON {table} REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION sarau_tally_{table}();{moved}
DELETE FROM tallies WHERE what = '{table}';
{_first_count(table, owner_id, state, _AN_ID)};
"""
