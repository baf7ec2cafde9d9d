"""Copying a whole catalog into an empty one, on whatever kind of database, row by row.

The caller holds one transaction on either side: what is copied here is either all there
when the target commits, or not at all.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from sarau.catalog.runs import OPEN
from sarau.catalog.schema import newest_revision, revision_of
from sarau.catalog.tables import event_counter, metadata, runs, tallies, uploads, users
from sarau.errors import FailedCode, FailedError, RefusedCode, RefusedError
from sarau.model.ids import LOCAL_USER_ID, RunId
from sarau.model.lifecycle import UploadState

_BATCH = 500
_BATCHES = {"sources": 20, "insights": 20, "fingerprints": 100}
"""Rows that carry waveforms, pictures and fingerprints are held few at once."""
_SEEDS = (event_counter, users)
"""What the first migration puts in, to be replaced by the source's rows."""
_LOCK_TIMEOUT_MS = 10_000

_ORDER = (*(table for table in metadata.sorted_tables if table is not tallies), tallies)

Told = Callable[[str, int], None]
"""Takes a table's name and how many of its rows were just copied or compared."""


def hold(connection: sa.Connection) -> None:
    """Keep everybody else from changing any table until the transaction ends.

    On SQLite the transaction of a writer does so by itself.
    """
    if connection.dialect.name == "sqlite":
        return
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MS}")
    tables = ", ".join(table.name for table in metadata.sorted_tables)
    connection.exec_driver_sql(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE")


def check_current(connection: sa.Connection) -> None:
    """Make sure that a catalog of this version is there.

    Raises:
        RefusedError: `catalog_not_current`.

    """
    found, newest = revision_of(connection), newest_revision()
    if found != newest:
        what = f"has schema {found}" if found else "holds no catalog"
        why = f"the source {what}, this version of Sarau moves schema {newest}"
        raise RefusedError(RefusedCode.CATALOG_NOT_CURRENT, why)


def check_empty(connection: sa.Connection) -> None:
    """Make sure that a database has no rows of ours but those it is born with.

    Tables that are not there yet are empty.

    Raises:
        RefusedError: `catalog_not_empty`.

    """
    there = set(sa.inspect(connection).get_table_names())
    for table in _ORDER[:-1]:  # without the tallies, which only count the others
        if table.name in there and _has_rows(connection, table):
            why = f"the table {table.name} of the target has rows"
            raise RefusedError(RefusedCode.CATALOG_NOT_EMPTY, why)


def _has_rows(connection: sa.Connection, table: sa.Table) -> bool:
    query = sa.select(sa.literal(1)).select_from(table)
    if table is users:
        query = query.where(users.c.id != LOCAL_USER_ID)
    elif table is event_counter:
        query = query.where(event_counter.c.number != 0)
    return connection.execute(query.limit(1)).first() is not None


def count(connection: sa.Connection) -> dict[str, int]:
    """Return how many rows each table has, in the order in which they are copied."""
    return {
        table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for table in _ORDER
    }


def copy(source: sa.Connection, target: sa.Connection, told: Told) -> None:
    """Insert every row of the source into the target, whose tables are empty.

    Raises:
        FailedError: `catalog_not_moved`, when the target does not take a row.

    """
    for table in _SEEDS:
        target.execute(sa.delete(table))
    for table in _ORDER:
        if table is tallies:
            # What the copying itself was counted as gives way to what the source has.
            target.execute(sa.delete(tallies))
        for rows in _batches(source, table):
            try:
                target.execute(sa.insert(table), rows)
            except sa.exc.OperationalError:
                raise  # the database went away or is full, whatever the row
            except sa.exc.DBAPIError as error:
                why = f"the target does not take a row of {table.name}: {error.orig}"
                raise FailedError(FailedCode.CATALOG_NOT_MOVED, why) from error
            told(table.name, len(rows))


def compare(source: sa.Connection, target: sa.Connection, told: Told) -> None:
    """Read both sides again and compare every value of every row.

    Raises:
        FailedError: `catalog_not_moved`, at the first difference.

    """
    wanted, found = count(source), count(target)
    if wanted != found:
        raise FailedError(FailedCode.CATALOG_NOT_MOVED, f"{found} rows instead of {wanted}")
    for table in metadata.sorted_tables:
        for rows in _batches(source, table):
            _compare(table, rows, target)
            told(table.name, len(rows))


def _compare(table: sa.Table, rows: list[dict[str, Any]], target: sa.Connection) -> None:
    """Compare by key: the order of texts is not the same in every database."""
    keys = tuple(table.primary_key.columns)
    wanted = {tuple(row[key.name] for key in keys): row for row in rows}
    query = sa.select(table).where(sa.tuple_(*keys).in_(list(wanted)))
    found = {tuple(row[key.name] for key in keys): row for row in target.execute(query).mappings()}
    for key, row in wanted.items():
        other = found.get(key)
        if other is None:
            raise FailedError(FailedCode.CATALOG_NOT_MOVED, f"{table.name} {key} is missing")
        for name, value in row.items():
            if _plain(value) != _plain(other[name]):
                why = f"{table.name} {key}: {name} is not the same on both sides"
                raise FailedError(FailedCode.CATALOG_NOT_MOVED, why)


def _plain(value: Any) -> tuple[str, Any]:  # noqa: ANN401 - any column's value
    """Return a value such that equal ones compare equal whatever database they came from.

    The type counts: Python takes 1, 1.0 and True for the same.
    """
    if isinstance(value, datetime):
        return "time", value.astimezone(UTC)
    if isinstance(value, Mapping | list):
        return "json", json.dumps(value)
    if isinstance(value, bytes | memoryview):
        return "bytes", bytes(value)
    return type(value).__name__, value


def _batches(connection: sa.Connection, table: sa.Table) -> Iterator[list[dict[str, Any]]]:
    """Read a table a few rows at a time, from a cursor that stays in the database."""
    size = _BATCHES.get(table.name, _BATCH)
    options = {"yield_per": size}
    with connection.execute(sa.select(table), execution_options=options) as result:
        for rows in result.mappings().partitions():
            yield [dict(row) for row in rows]


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that nobody has ended, and whose bytes are somewhere."""

    id: RunId
    turn: int | None
    is_stored: bool
    """Its source is in the library; it is on volume D otherwise."""


def open_runs(connection: sa.Connection) -> Iterator[OpenRun]:
    """Return all open runs, those whose turn comes first first."""
    on_intake = sa.exists().where(
        uploads.c.track_id == runs.c.track_id, uploads.c.state == UploadState.RECEIVED
    )
    query = (
        sa.select(runs.c.id, runs.c.turn, on_intake.label("is_on_intake"))
        .where(runs.c.state.in_(OPEN))
        .order_by(runs.c.turn, runs.c.created_at)
    )
    with connection.execute(query, execution_options={"yield_per": _BATCH}) as result:
        for row in result:
            yield OpenRun(RunId(row.id), row.turn, not row.is_on_intake)
