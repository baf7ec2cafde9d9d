"""Who is alive: a lock that each process holds, and that its death lets go.

The engine of durable runs recovers what its own executor left behind, never what
another's did. So every process holds a lock under its executor's name, and every
process looks for pending runs whose executor's lock is free. Locks find dead
processes, not hung ones; those end by the engine's own wall-clock limits.
"""

import fcntl
import hashlib
import logging
import os
import secrets
import socket
from pathlib import Path
from typing import IO, Protocol

import sqlalchemy as sa

from sarau.catalog import Database

_NAMESPACE = 0x5A5A_0003

_logger = logging.getLogger(__name__)


def new_executor_id() -> str:
    """Return a name no other process has, now or later."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


class Liveness(Protocol):
    """A lock for each living executor."""

    @property
    def is_certain(self) -> bool:
        """Whether a free lock alone proves a death."""

    def is_dead(self, executor_id: str) -> bool:
        """Tell whether nobody holds the lock of `executor_id`; False when it cannot be known."""

    def hold(self) -> bool:
        """Take the own lock again where it was lost; tell whether it is held now."""

    def close(self) -> None:
        """Let go of the own lock."""


def announce(database: Database, executor_id: str) -> Liveness:
    """Take the lock of `executor_id` and hold it until `close` or death."""
    if database.engine.dialect.name == "sqlite":
        path = Path(str(database.engine.url.database))
        return _FileLiveness(path.with_name(path.name + ".executors"), executor_id)
    return _AdvisoryLiveness(database.engine, executor_id)


class _FileLiveness:
    """`flock` on a file beside the SQLite database: one machine, many processes."""

    is_certain = True
    """The kernel lets go of it when the process is gone, and not before."""

    def __init__(self, directory: Path, executor_id: str) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._own = self._open(executor_id)
        fcntl.flock(self._own, fcntl.LOCK_EX)

    def _open(self, executor_id: str) -> IO[str]:
        return (self._directory / executor_id).open("w")

    def is_dead(self, executor_id: str) -> bool:
        path = self._directory / executor_id
        if not path.exists():
            return True
        with self._open(executor_id) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            # Executors never come back under an old name: the file has served.
            path.unlink(missing_ok=True)
        return True

    def hold(self) -> bool:
        # Only the end of the process lets go of it.
        return True

    def close(self) -> None:
        Path(self._own.name).unlink(missing_ok=True)
        self._own.close()


class _AdvisoryLiveness:
    """A session's advisory lock on PostgreSQL, gone with the connection."""

    is_certain = False
    """Behind a transaction pooler it is free at once."""

    def __init__(self, engine: sa.Engine, executor_id: str) -> None:
        self._engine = engine
        self._own = _key(executor_id)
        self._connection: sa.Connection | None = None
        self._holds = False
        self._connected()

    def _connected(self) -> sa.Connection:
        """Return a connection that holds the own lock, or will once an older one is gone.

        After a cut the server may keep the lost session, and with it the lock: as good as
        the own one for as long as it lasts.
        """
        if self._connection is None:
            self._connection = self._engine.connect()
            self._connection.execution_options(isolation_level="AUTOCOMMIT")
        if not self._holds:
            self._holds = self._take(self._connection, self._own)
        return self._connection

    @staticmethod
    def _take(connection: sa.Connection, key: int) -> bool:
        taken = sa.select(sa.func.pg_try_advisory_lock(_NAMESPACE, key))
        return bool(connection.execute(taken).scalar_one())

    def _lose(self) -> None:
        """Let the next call connect again, whether or not this one can close anything."""
        connection, self._connection, self._holds = self._connection, None, False
        if connection is not None:
            connection.invalidate()
            connection.close()

    def hold(self) -> bool:
        try:
            self._connected().execute(sa.select(1))
        except sa.exc.SQLAlchemyError as error:
            _logger.warning("the own lock is not held: %s", error.__cause__ or error)
            self._lose()
        return self._holds

    def is_dead(self, executor_id: str) -> bool:
        key = _key(executor_id)
        try:
            connection = self._connected()
            free = self._take(connection, key)
            if free:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(_NAMESPACE, key)))
        except sa.exc.SQLAlchemyError as error:
            # The server went away, and every executor's lock with it: nobody is judged by it.
            _logger.warning("who holds a lock is not known: %s", error.__cause__ or error)
            self._lose()
            return False
        return free

    def close(self) -> None:
        self._lose()


def _key(executor_id: str) -> int:
    digest = hashlib.sha256(executor_id.encode()).digest()
    return int.from_bytes(digest[:4], "big", signed=True)
