"""A catalog is copied whole and exactly, or not at all."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.catalogs import new_sqlite_catalog
from tests.postgresql import Postgresql

from sarau.catalog import Database, events, moving
from sarau.catalog.tables import UtcDateTime, metadata
from sarau.errors import FailedCode, FailedError, RefusedCode, RefusedError
from sarau.model.ids import LOCAL_USER_ID, RunId

AT = datetime(2026, 11, 25, 7, 0, 0, 123456, tzinfo=UTC)
TEXT = "Água de março; 'aspas', \"JSON\" \\ \U0001f3b6"
JSON = {"z": 1, "a": [1.0, True, None, -0.1, 1e300], "text": TEXT}


@pytest.fixture
def other(database: Database, postgresql: Postgresql, tmp_path: Path) -> Iterator[Database]:
    """An empty catalog on the other kind of database."""
    is_sqlite = database.engine.dialect.name == "sqlite"
    found = Database(
        postgresql.new_catalog() if is_sqlite else new_sqlite_catalog(tmp_path / "other.db")
    )
    yield found
    found.close()


BY_TYPE: list[tuple[type[Any], Callable[[int], Any]]] = [
    (sa.JSON, lambda _: JSON),
    (sa.LargeBinary, lambda _: bytes(range(256))),
    (sa.Boolean, lambda number: number % 2 == 0),
    (sa.BigInteger, lambda number: 2**62 + number),
    (sa.Integer, lambda number: number),
    (sa.Double, lambda number: -14.1 - number / 3),
    (UtcDateTime, lambda _: AT),
]


def _value(column: sa.Column[Any], number: int) -> Any:
    """Return a value that the other kind of database might hold in another way."""
    if column.name in {"state", "stage"}:
        return {"runs.state": "queued", "runs.stage": "store"}.get(str(column), "received")
    if isinstance(column.type, sa.String):
        return f"{number:04d}{TEXT}"[: column.type.length or 1000]
    return next(make(number) for kind, make in BY_TYPE if isinstance(column.type, kind))


def _fill(database: Database, rows: int) -> None:
    """Put `rows` rows into every table, every second one with nulls wherever they may be."""
    with database.write() as connection:
        for table in metadata.sorted_tables:
            if table.name == "event_counter":
                continue
            connection.execute(
                sa.insert(table),
                [
                    {
                        column.name: None
                        if number % 2 and column.nullable
                        else _value(column, number)
                        for column in table.columns
                    }
                    for number in range(1, rows + 1)
                ],
            )
        connection.execute(sa.update(metadata.tables["event_counter"]).values(number=rows))


def _all_rows(database: Database) -> dict[str, list[Any]]:
    with database.read() as connection:
        return {
            table.name: sorted(
                (tuple(row) for row in connection.execute(sa.select(table))), key=repr
            )
            for table in metadata.sorted_tables
        }


def _copy(source: Database, target: Database) -> dict[str, int]:
    told: dict[str, int] = {}

    def tell(table: str, rows: int) -> None:
        told[table] = told.get(table, 0) + rows

    with source.write() as reading, target.write() as writing:
        moving.hold(reading)
        moving.hold(writing)
        moving.copy(reading, writing, tell)
        moving.compare(reading, writing, tell)
    return told


def test_every_value_of_every_table_arrives_on_the_other_kind_of_database(
    database: Database, other: Database
) -> None:
    _fill(database, 41)
    told = _copy(database, other)
    assert _all_rows(other) == _all_rows(database)
    # The user that each catalog is born with is one more.
    expected = dict.fromkeys(metadata.tables, 82) | {"users": 84, "event_counter": 2}
    # And the rows of three tables were tallied when they were written.
    expected["tallies"] += 3 * 82
    assert told == expected


def test_the_record_goes_on_where_it_stood(database: Database, other: Database) -> None:
    with database.write() as connection:
        for _ in range(3):
            events.record(connection, "track.created", owner_id=LOCAL_USER_ID, data=JSON)
    _copy(database, other)
    with other.write() as connection:
        assert events.record(connection, "track.created", owner_id=LOCAL_USER_ID).number == 4
        assert [one.data for one in events.after(connection, 0)] == [JSON, JSON, JSON, {}]
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), other.write() as connection:
        connection.exec_driver_sql("DELETE FROM events")


def test_a_table_larger_than_a_batch_is_read_to_its_end(
    sqlite_database: Database, postgresql: Postgresql
) -> None:
    target = Database(postgresql.new_catalog())
    with sqlite_database.write() as connection:
        draft = events.Draft("track.created", LOCAL_USER_ID, None, None, JSON)
        events.record_all(connection, [draft] * 1234)
    assert _copy(sqlite_database, target)["events"] == 2 * 1234
    assert _all_rows(target) == _all_rows(sqlite_database)
    target.close()


def test_a_row_that_arrives_changed_undoes_everything(
    sqlite_database: Database, postgresql: Postgresql
) -> None:
    target = Database(postgresql.new_catalog())
    _fill(sqlite_database, 3)
    with target.write() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NEW.gain_db := NEW.gain_db + 1e-12; RETURN NEW; END $$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER meddle BEFORE INSERT ON renditions"
            " FOR EACH ROW EXECUTE FUNCTION meddle()"
        )
    with pytest.raises(FailedError, match="gain_db is not the same") as caught:
        _copy(sqlite_database, target)
    assert caught.value.code is FailedCode.CATALOG_NOT_MOVED
    with target.read() as connection:
        moving.check_empty(connection)
    target.close()


def test_a_value_that_the_target_cannot_hold_undoes_everything(
    sqlite_database: Database, postgresql: Postgresql
) -> None:
    target = Database(postgresql.new_catalog())
    _fill(sqlite_database, 1)
    with sqlite_database.write() as connection:
        # SQLite holds no text to its length.
        connection.exec_driver_sql(f"UPDATE tracks SET filename = '{'x' * 2000}'")
    with pytest.raises(FailedError, match="does not take a row of tracks") as caught:
        _copy(sqlite_database, target)
    assert caught.value.code is FailedCode.CATALOG_NOT_MOVED
    with target.read() as connection:
        moving.check_empty(connection)
    target.close()


@pytest.mark.parametrize("table", sorted({*metadata.tables} - {"event_counter", "tallies"}))
def test_a_target_with_a_row_in_any_table_is_not_empty(
    sqlite_database: Database, table: str
) -> None:
    with sqlite_database.read() as connection:
        moving.check_empty(connection)
    row = {column.name: _value(column, 1) for column in metadata.tables[table].columns}
    with sqlite_database.engine.connect() as connection:
        connection.connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute(sa.insert(metadata.tables[table]).values(row))
        with pytest.raises(RefusedError, match=table) as caught:
            moving.check_empty(connection)
    assert caught.value.code is RefusedCode.CATALOG_NOT_EMPTY


def test_nobody_writes_while_a_catalog_is_held(database: Database) -> None:
    other = Database(database.url)
    impatient = (
        "PRAGMA busy_timeout=50"
        if database.engine.dialect.name == "sqlite"
        else "SET lock_timeout = 50"
    )
    sa.event.listen(other.engine, "connect", lambda one, _: one.execute(impatient))
    with database.write() as connection:
        moving.hold(connection)
        with pytest.raises(FailedError) as caught:
            _record(other)
    assert caught.value.code is FailedCode.DATABASE_UNAVAILABLE
    _record(other)
    other.close()


def _record(database: Database) -> None:
    with database.write() as connection:
        events.record(connection, "track.created", owner_id=LOCAL_USER_ID)


def test_open_runs_come_in_their_turn_and_say_where_their_bytes_are(database: Database) -> None:
    _fill(database, 4)
    runs, uploads = metadata.tables["runs"], metadata.tables["uploads"]
    with database.write() as connection:
        ids = list(connection.execute(sa.select(runs.c.id).order_by(runs.c.id)).scalars())
        by_id = [runs.c.id == one for one in ids]
        connection.execute(sa.update(runs).where(by_id[0]).values(state="succeeded"))
        connection.execute(sa.update(runs).where(by_id[1]).values(state="running", turn=9))
        connection.execute(sa.update(runs).where(by_id[2]).values(turn=7))
        connection.execute(sa.update(runs).where(by_id[3]).values(turn=8))
        on_disk = sa.select(runs.c.track_id).where(by_id[3]).scalar_subquery()
        connection.execute(sa.update(uploads).values(state="stored"))
        connection.execute(
            sa.update(uploads).where(uploads.c.track_id == on_disk).values(state="received")
        )
    with database.read() as connection:
        found = list(moving.open_runs(connection))
    first = moving.OpenRun(RunId(ids[2]), 7, is_stored=True)
    assert found == [
        first,
        replace(first, id=RunId(ids[3]), turn=8, is_stored=False),
        replace(first, id=RunId(ids[1]), turn=9),
    ]
