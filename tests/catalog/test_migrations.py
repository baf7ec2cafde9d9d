import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from sarau.catalog import Database, events, migrate
from sarau.catalog.schema import downgrade
from sarau.catalog.tables import metadata
from sarau.model.ids import LOCAL_USER_ID


def test_the_migrations_build_what_the_code_expects(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_checks_are_the_same_in_the_code_and_in_the_database(sqlite_database: Database) -> None:
    inspector = sa.inspect(sqlite_database.engine)
    for table in metadata.sorted_tables:
        found = {c["name"]: c["sqltext"] for c in inspector.get_check_constraints(table.name)}
        wanted = {
            str(c.name): str(c.sqltext)
            for c in table.constraints
            if isinstance(c, sa.CheckConstraint)
        }
        assert found == wanted, table.name


def test_migrating_again_changes_nothing(database: Database) -> None:
    with database.write() as connection:
        events.record(connection, "track.created", owner_id=LOCAL_USER_ID)
    migrate(database.engine)
    with database.read() as connection:
        assert events.last_number(connection) == 1


def test_down_and_up_again(database: Database) -> None:
    downgrade(database.engine, "base")
    assert set(sa.inspect(database.engine).get_table_names()) == {"alembic_version"}
    migrate(database.engine)
    with database.read() as connection:
        assert events.last_number(connection) == 0
