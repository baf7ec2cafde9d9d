"""A lock between those who refer to objects and the collector, beside every transaction.

Who is about to refer to an object takes it together with others, looks whether its file
is there, and commits; the collector takes it alone, looks whether anything refers to the
object, and removes file and row. So neither can slip between the other's two steps. It
is no part of a transaction, because the library may be far away and slow: while it is
asked, no transaction is open that others would wait for.

On PostgreSQL it is an advisory lock of a connection of its own, on SQLite a lock on a
file beside the database. The death of its holder lets go of it.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from sarau.catalog.database import Database, translated

_LOCK = 0x5A5A_0004


@contextmanager
def referring(database: Database) -> Iterator[None]:
    """Keep the collector from every object until the block ends.

    Raises:
        FailedError: `database_unavailable`.

    """
    with _held(database, alone=False, wait=True):
        yield


@contextmanager
def referring_at_once(database: Database) -> Iterator[bool]:
    """As `referring`, but give False instead of waiting while the collector is at work."""
    with _held(database, alone=False, wait=False) as is_held:
        yield is_held


@contextmanager
def collecting(database: Database) -> Iterator[bool]:
    """Keep everybody from referring to an object; give False where somebody is about to."""
    with _held(database, alone=True, wait=False) as is_held:
        yield is_held


@contextmanager
def _held(database: Database, *, alone: bool, wait: bool) -> Iterator[bool]:
    holding = _file if database.engine.dialect.name == "sqlite" else _advisory
    with holding(database, alone=alone, wait=wait) as is_held:
        yield is_held


@contextmanager
def _file(database: Database, *, alone: bool, wait: bool) -> Iterator[bool]:
    path = Path(str(database.engine.url.database))
    operation = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    with path.with_name(path.name + ".objects").open("w") as file:
        try:
            fcntl.flock(file, operation if wait else operation | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


@contextmanager
def _advisory(database: Database, *, alone: bool, wait: bool) -> Iterator[bool]:
    """Hold the lock of a connection that no pool counts, as its holder needs another one."""
    suffix = "" if alone else "_shared"
    take = "pg_advisory_lock" if wait else "pg_try_advisory_lock"
    with translated():
        connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
    is_held = False
    try:
        with translated():
            found = connection.execute(sa.text(f"SELECT {take}{suffix}({_LOCK})")).scalar_one()
        # The function that waits returns nothing: it is done when it returns.
        is_held = wait or found is True
        yield is_held
    finally:
        # The end of a session lets go of it too, but only when the server has seen it.
        with suppress(sa.exc.SQLAlchemyError):
            if is_held:
                connection.execute(sa.text(f"SELECT pg_advisory_unlock{suffix}({_LOCK})"))
        connection.close()
