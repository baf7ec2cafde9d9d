"""A lock on each object, between those who refer to it and the collector.

Who is about to refer to objects takes theirs together with others, looks whether their files
are there, and commits; the collector takes one alone, looks whether anything refers to the
object, and removes file and row. So neither can slip between the other's two steps, and a
library that takes long to remove an object keeps nobody waiting who needs another one.

It is no part of a transaction: while the library is asked, no transaction is open that others
would wait for. On PostgreSQL it is an advisory lock of a connection of its own, on SQLite one
on a byte of a file beside the database. The death of its holder lets go of it. Nobody waits
for it who holds one alone, so no two can lock each other out. Why: docs/adr, 25.
"""

import fcntl
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from sarau.catalog.database import Database, translated

_LOCK = 0x5A5A_0004
_SLICE_S = 0.5
"""How long PostgreSQL is asked to wait at once: less than any of its answers may take."""
_STILL_HELD = "55P03"


@contextmanager
def referring(database: Database, sha256s: Iterable[str]) -> Iterator[None]:
    """Keep the collector from objects until the block ends; wait while it removes one of them.

    Raises:
        FailedError: `database_unavailable`.

    """
    with _held(database, sha256s, alone=False, wait=True):
        yield


@contextmanager
def referring_at_once(database: Database, sha256: str) -> Iterator[bool]:
    """As `referring`, but give False instead of waiting while the collector removes the object."""
    with _held(database, [sha256], alone=False, wait=False) as is_held:
        yield is_held


@contextmanager
def collecting(database: Database, sha256: str) -> Iterator[bool]:
    """Keep everybody from referring to an object; give False where somebody is about to."""
    with _held(database, [sha256], alone=True, wait=False) as is_held:
        yield is_held


@contextmanager
def _held(database: Database, sha256s: Iterable[str], *, alone: bool, wait: bool) -> Iterator[bool]:
    holding = _bytes if database.engine.dialect.name == "sqlite" else _advisory
    with holding(database, sha256s, alone=alone, wait=wait) as is_held:
        yield is_held


@contextmanager
def _bytes(
    database: Database, sha256s: Iterable[str], *, alone: bool, wait: bool
) -> Iterator[bool]:
    """Lock a byte for each object. These locks belong to the open file, not to the process."""
    path = Path(str(database.engine.url.database))
    command = fcntl.F_OFD_SETLKW if wait else fcntl.F_OFD_SETLK
    kind = fcntl.F_WRLCK if alone else fcntl.F_RDLCK
    with path.with_name(path.name + ".objects").open("w+") as file:
        for sha256 in sha256s:
            # `struct flock`: kind, from the start, where, how many, and no process.
            lock = struct.pack("hhqqi0q", kind, 0, int(sha256[:15], 16), 1, 0)
            try:
                fcntl.fcntl(file, command, lock)
            except BlockingIOError:
                yield False
                return
        yield True


@contextmanager
def _advisory(
    database: Database, sha256s: Iterable[str], *, alone: bool, wait: bool
) -> Iterator[bool]:
    """Hold the locks of a connection that no pool counts, as their holder needs another one."""
    keys = [int.from_bytes(bytes.fromhex(sha256[:8]), signed=True) for sha256 in sha256s]
    with translated():
        connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
    try:
        with translated():
            if wait:
                _wait(connection, keys)
                is_held = True
            else:
                take = "pg_try_advisory_lock" + ("" if alone else "_shared")
                is_held = all(
                    connection.execute(sa.select(getattr(sa.func, take)(_LOCK, key))).scalar_one()
                    for key in keys
                )
        yield is_held
    finally:
        # The end of a session lets go of them too, but only when the server has seen it.
        with suppress(sa.exc.SQLAlchemyError):
            connection.execute(sa.select(sa.func.pg_advisory_unlock_all()))
        connection.close()


def _wait(connection: sa.Connection, keys: Iterable[int]) -> None:
    """Take shared locks, however long the collector waits for its library.

    An answer that does not come is a database that hangs, so PostgreSQL has to say now and
    then that it still waits.
    """
    connection.exec_driver_sql(f"SET lock_timeout = {_SLICE_S * 1000:.0f}")
    for key in keys:
        while True:
            try:
                connection.execute(sa.select(sa.func.pg_advisory_lock_shared(_LOCK, key)))
            except sa.exc.OperationalError as error:
                if getattr(error.orig, "sqlstate", None) != _STILL_HELD:
                    raise
            else:
                break
