"""A prepared statement writes what SQLAlchemy itself would have written."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from sarau.catalog import Database
from sarau.catalog.prepared import Prepared
from sarau.catalog.tables import events, presets
from sarau.model.ids import LOCAL_USER_ID

_NOON_IN_BRASILIA = datetime(2026, 7, 1, 12, 0, 0, 120, timezone(timedelta(hours=-3)))
_ON_THE_HOUR = datetime(2026, 7, 1, 15, tzinfo=UTC)
_EVENT = {
    "number": 1,
    "at": _NOON_IN_BRASILIA,
    "owner_id": LOCAL_USER_ID,
    "kind": "track.created",
    "track_id": None,
    "upload_id": "100%",
    "run_id": "it's :one",
    "data": {"filename": "São João.wav", "sizes": [1, None, 0.5]},
}


def _stored(database: Database, table: sa.Table) -> list[sa.Row[tuple[object, ...]]]:
    """Return the rows as the database holds them, whatever their types make of them."""
    columns = [sa.cast(column, sa.Text) for column in table.c]
    with database.read() as connection:
        return list(connection.execute(sa.select(*columns).order_by(table.c[0], table.c[1])))


def test_rows_are_those_that_sqlalchemy_writes(database: Database) -> None:
    given = [{**_EVENT, "number": number} for number in (1, 2)]
    prepared = Prepared(sa.insert(events), list(reversed(_EVENT)))
    with database.write() as connection:
        connection.execute(sa.insert(events), given[:1])
        prepared.run(connection, [tuple(reversed(given[1].values()))])
    first, second = _stored(database, events)
    assert first[1:] == second[1:]


@pytest.mark.parametrize("deleted_at", [None, _NOON_IN_BRASILIA, _ON_THE_HOUR])
def test_times_are_those_that_sqlalchemy_writes(
    database: Database, deleted_at: datetime | None
) -> None:
    values = {"definition": {}, "created_at": _ON_THE_HOUR, "updated_at": _NOON_IN_BRASILIA}
    given = {"owner_id": LOCAL_USER_ID, **values, "deleted_at": deleted_at}
    prepared = Prepared(sa.insert(presets), ["name", *given])
    with database.write() as connection:
        prepared.run(connection, [("b", *given.values())])
        connection.execute(sa.insert(presets).values(name="a", **given))
    first, second = _stored(database, presets)
    assert first[2:] == second[2:]
    with database.read() as connection:
        row = connection.execute(sa.select(presets).where(presets.c.name == "b")).mappings().one()
    assert row["deleted_at"] == deleted_at
    assert row["updated_at"].utcoffset() == timedelta(0)


def test_an_update_takes_its_parameters_in_any_order(database: Database) -> None:
    renamed = Prepared(
        sa.update(presets)
        .where(presets.c.name == sa.bindparam("old"))
        .values(name=sa.bindparam("new")),
        ("old", "new"),
    )
    with database.write() as connection:
        for name in ("a", "b", "c"):
            values = {"definition": {}, "created_at": _ON_THE_HOUR, "updated_at": _ON_THE_HOUR}
            connection.execute(
                sa.insert(presets).values(owner_id=LOCAL_USER_ID, name=name, **values)
            )
        renamed.run(connection, [("a", "x"), ("c", "y")])
    assert [row[1] for row in _stored(database, presets)] == ["b", "x", "y"]


def test_a_row_without_all_that_is_wanted_is_refused(sqlite_database: Database) -> None:
    forgotten = Prepared(
        sa.update(events).values(kind=sa.bindparam("kind_now")).where(events.c.number == 1),
        ("kind_now",),
    )
    with pytest.raises(ValueError, match="number_1"), sqlite_database.write() as connection:
        forgotten.run(connection, [("x",)])
    insert = Prepared(sa.insert(events), ("number", "at"))
    with pytest.raises(ValueError, match="zip"), sqlite_database.write() as connection:
        insert.run(connection, [(1,)])
