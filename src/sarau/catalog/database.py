"""Connections and transactions: the same promises on SQLite and PostgreSQL."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
import sqlalchemy as sa
from pydantic_core import from_json
from sqlalchemy.dialects import postgresql, sqlite

from sarau.catalog.iam import IamTokens
from sarau.catalog.patience import CONNECTION, make_patient
from sarau.errors import FailedCode, FailedError
from sarau.settings import Settings

_WAL_IS_SAFE_FROM = (3, 51, 3)
"""Older SQLite can corrupt a database when a WAL is reset under several connections."""
_PASSING = ("25006", "25P03")
"""PostgreSQL during a failover: still read-only, and a transaction that stood idle too long."""

POOL = 10
ANSWER_S = 15.0
_POOL_TIMEOUT_S = 30.0


def sqlite_journal_mode() -> str:
    """Return `WAL` or `DELETE`: the fastest mode in which this SQLite loses no commit."""
    return "WAL" if sqlite3.sqlite_version_info >= _WAL_IS_SAFE_FROM else "DELETE"


def create_engine(
    url: str,
    *,
    explicit_begin: bool = True,
    pool: int = POOL,
    answer_s: float | None = None,
    password: Callable[[], str] | None = None,
) -> sa.Engine:
    """Return an engine whose commits are on disk when they return.

    On SQLite a transaction starts with the statement `BEGIN` plus the connection's
    execution option `sarau_begin` (`IMMEDIATE` for writers, so that two of them
    queue instead of failing halfway). On PostgreSQL isolation is READ COMMITTED.

    Args:
        url: An SQLAlchemy address.
        explicit_begin: False for a library that expects SQLite's driver to begin
            transactions by itself.
        pool: How many connections are kept, and as many again when all are in use.
        answer_s: How long each answer of PostgreSQL is waited for; None: for ever.
        password: Asked for each new connection to PostgreSQL, where the address has none.

    """
    address = sa.make_url(url)
    if address.get_backend_name() != "sqlite":
        engine = sa.create_engine(
            url,
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
            pool_size=pool,
            max_overflow=pool,
            pool_timeout=answer_s or _POOL_TIMEOUT_S,
            # A page of 50 tracks reads some 300 values of JSON.
            json_deserializer=from_json,
            connect_args={k: v for k, v in CONNECTION.items() if k not in address.query},
        )
        make_patient(engine, answer_s, password)
        sa.event.listen(engine, "handle_error", _call_it_a_disconnect)
        return engine
    engine = sa.create_engine(url, pool_size=20, max_overflow=20, pool_timeout=60)
    sa.event.listen(engine, "connect", _configure_sqlite)
    if explicit_begin:
        sa.event.listen(engine, "begin", _begin_sqlite)
    else:
        sa.event.listen(engine, "connect", _begin_by_driver)
    return engine


def _call_it_a_disconnect(context: sa.ExceptionContext) -> None:
    """Mark a connection that could not be made like one that was lost.

    The engine of durable runs waits for a database that was lost. What it does not take
    for that ends its run's thread, and nobody takes the run from a process that lives.
    It knows a refusal by words that psycopg does not always use.
    """
    if context.connection is None:
        context.is_disconnect = True


def _configure_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - DBAPI
    connection.isolation_level = None  # _begin_sqlite says when transactions start
    journal = sqlite_journal_mode()
    for pragma in (
        "busy_timeout=30000",
        "foreign_keys=ON",
        f"journal_mode={journal}",
        f"synchronous={'FULL' if journal == 'WAL' else 'EXTRA'}",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_by_driver(connection: Any, _record: object) -> None:  # noqa: ANN401 - DBAPI
    connection.isolation_level = "IMMEDIATE"


def _begin_sqlite(connection: sa.Connection) -> None:
    mode = connection.get_execution_options().get("sarau_begin", "IMMEDIATE")
    connection.exec_driver_sql(f"BEGIN {mode}")


class Database:
    """Transactions over one engine, and a call to whoever waits for their events."""

    def __init__(
        self,
        url: str,
        *,
        pool: int = POOL,
        answer_s: float = ANSWER_S,
        password: Callable[[], str] | None = None,
    ) -> None:
        self.url = url
        self._password = password
        self._open = partial(create_engine, url, pool=pool, answer_s=answer_s, password=password)
        self.engine = self._open()
        self._listeners: list[Callable[[], None]] = []

    @classmethod
    def of(cls, settings: Settings) -> "Database":
        """Return the catalog's database, to which nobody has connected yet."""
        return cls(
            settings.database,
            pool=settings.database_pool,
            answer_s=settings.database_answer_s,
            password=IamTokens(settings.database) if settings.database_auth == "iam" else None,
        )

    def another_engine(self) -> sa.Engine:
        """Return an engine for a library that expects the driver to begin transactions."""
        return self._open(explicit_begin=False)

    def url_as_of_now(self) -> str:
        """Return an address that lets in whoever connects within the next minutes.

        Raises:
            FailedError: `database_unavailable`, when there is no password.

        """
        if self._password is None:
            return self.url
        try:
            address = sa.make_url(self.url).set(password=self._password())
        except psycopg.Error as error:
            raise FailedError(FailedCode.DATABASE_UNAVAILABLE, str(error)) from error
        return address.render_as_string(hide_password=False)

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every write transaction of this process, from its thread."""
        self._listeners.append(listener)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction that commits when the block ends and rolls back when it raises.

        Raises:
            FailedError: `database_unavailable`, and then nothing has been acknowledged;
                `disk_full` when the database has no room.

        """
        with translated(), self.engine.begin() as connection:
            yield connection
        for listener in self._listeners:
            listener()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a transaction for reading one consistent state; never blocks writers for long.

        Raises:
            FailedError: `database_unavailable`.

        """
        with translated(), self.engine.connect() as connection:
            yield connection.execution_options(sarau_begin="DEFERRED")

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


@contextmanager
def translated() -> Iterator[None]:
    """Raise the driver's troubles as ours, as `Database.write` does."""
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.TimeoutError) as error:
        full = "disk is full" in str(error) or "No space left" in str(error)
        code = FailedCode.DISK_FULL if full else FailedCode.DATABASE_UNAVAILABLE
        raise FailedError(code, str(error.__cause__ or error)) from error
    except sa.exc.InternalError as error:
        if getattr(error.orig, "sqlstate", None) not in _PASSING:
            raise
        detail = str(error.__cause__ or error)
        raise FailedError(FailedCode.DATABASE_UNAVAILABLE, detail) from error


def insert_into(connection: sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that can say what to do where the row is there already."""
    is_sqlite = connection.dialect.name == "sqlite"
    return sqlite.insert(table) if is_sqlite else postgresql.insert(table)
