"""Bringing a database to the newest schema."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from sarau.catalog.patience import unhurried

_MIGRATIONS = Path(__file__).parent / "migrations"
_ONE_AT_A_TIME = 0x5A5A_0001
"""PostgreSQL advisory lock: several processes may start at once, one of them migrates."""
_PAUSE_S = 0.2
_LOCK_TIMEOUT_MS = 2000
_LOCK_NOT_AVAILABLE = "55P03"


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def migrate(engine: sa.Engine, revision: str = "head") -> None:
    """Upgrade the database to `revision`, each migration in a transaction of its own.

    A migration that a long reader keeps from a table for two seconds steps back and comes
    again: whoever waits for a table keeps all who come later waiting too.
    """
    while True:
        try:
            with _alone(engine) as connection:
                command.upgrade(_config(connection), revision)
        except sa.exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            time.sleep(_PAUSE_S)
        else:
            return


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Take the database back to an older `revision`."""
    with _alone(engine) as connection:
        command.downgrade(_config(connection), revision)


def newest_revision() -> str | None:
    """Return the revision that `migrate` brings a database to."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def revision_of(connection: sa.Connection) -> str | None:
    """Return the revision a database is at; None when it has no catalog."""
    return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection to the one process that may migrate now.

    The lock is asked for again and again instead of being waited for: an index that is
    made beside readers waits for every open transaction, a waiting one included.
    """
    with engine.connect() as connection, unhurried(connection):
        if connection.dialect.name == "sqlite":
            yield connection
            connection.commit()
            return
        taken = sa.select(sa.func.pg_try_advisory_lock(_ONE_AT_A_TIME))
        while not connection.execute(taken).scalar_one():
            connection.rollback()
            time.sleep(_PAUSE_S)
        connection.exec_driver_sql(f"SET lock_timeout = {_LOCK_TIMEOUT_MS}")
        connection.commit()
        try:
            yield connection
            connection.commit()
        finally:
            connection.rollback()
            connection.exec_driver_sql("RESET lock_timeout")
            connection.execute(sa.select(sa.func.pg_advisory_unlock(_ONE_AT_A_TIME)))
            connection.commit()
