import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from tests.postgresql import Postgresql

from sarau.catalog import Database, events, migrate, tracks
from sarau.catalog.schema import downgrade
from sarau.catalog.tables import metadata
from sarau.model.clock import now
from sarau.model.ids import LOCAL_USER_ID


@pytest.fixture
def database(database: Database, postgresql: Postgresql, tmp_path: Path) -> Iterator[Database]:
    """An empty catalog that was migrated, not copied."""
    is_sqlite = database.engine.dialect.name == "sqlite"
    url = f"sqlite:///{tmp_path / 'own.db'}" if is_sqlite else postgresql.new_database()
    own = Database(url)
    migrate(own.engine)
    yield own
    own.close()


@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based")
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


def test_what_older_versions_have_purged_is_not_looked_at_again(database: Database) -> None:
    downgrade(database.engine, "0015")
    moment = "2026-01-01 00:00:00.000000"
    states = {"purged": "deleted", "unpurged": "deleted", "ready": "ready"}
    with database.write() as connection:
        for track_id, state in states.items():
            connection.exec_driver_sql(
                "INSERT INTO tracks (id, owner_id, filename, title, preset, state, created_at,"
                f" updated_at) VALUES ('{track_id}', '{LOCAL_USER_ID}', 'a', 'a', 'archive',"
                f" '{state}', '{moment}', '{moment}')"
            )
        connection.exec_driver_sql(
            "INSERT INTO uploads (id, owner_id, track_id, filename, preset, offset_bytes, state,"
            f" created_at, updated_at, expires_at) VALUES ('u', '{LOCAL_USER_ID}', 'unpurged',"
            f" 'a', 'archive', 0, 'received', '{moment}', '{moment}', '{moment}')"
        )
    migrate(database.engine)
    with database.read() as connection:
        assert tracks.deleted_before(connection, now(), limit=10) == ["unpurged"]


def test_readers_go_on_while_a_migration_waits_and_works(postgresql: Postgresql) -> None:
    """A transaction that has read a table keeps the migration waiting, never other readers."""
    database = Database(postgresql.new_database())
    migrate(database.engine, "0003")
    migrating = threading.Thread(target=migrate, args=(database.engine,))
    query = sa.text("SELECT count(*) FROM runs")
    longest_s = 0.0
    with database.engine.connect() as long_reader:
        long_reader.execute(query)
        migrating.start()
        waited = 0
        with database.engine.connect() as watcher:
            blocked = sa.text(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND datname = current_database()"
            )
            end = time.monotonic() + 20
            while not (waited := watcher.execute(blocked).scalar_one()):
                watcher.rollback()
                assert time.monotonic() < end
        assert waited == 1
        with database.engine.connect() as reader:
            reader.exec_driver_sql("SET statement_timeout = '10s'")
            for _ in range(3):
                begun = time.monotonic()
                reader.execute(query)
                reader.rollback()
                longest_s = max(longest_s, time.monotonic() - begun)
        assert migrating.is_alive()
    migrating.join(timeout=60)
    assert not migrating.is_alive()
    print(f"the longest read took {longest_s:.2f} s while the migration waited")
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    database.close()
