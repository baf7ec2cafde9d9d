"""Ask a catalog of a million tracks what the page asks, and say how long it takes.

    python -m bench.catalog [--tracks 1000000] [--asked 400] [--keep DIRECTORY]

PostgreSQL and everything else is on this machine; connections are warm. With `--keep` the
filled database stays in a directory and is used again. Writes docs/guide/scale.md's table.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from tests.postgresql import Postgresql

from bench.catalog import questions, table
from bench.catalog.seed import seed
from sarau.catalog import Database, migrate
from sarau.catalog.tables import volumes

NAME = "catalog"
FILLING_S = 3600.0
"""What one statement may take that makes a million rows."""
BUFFERS = "4GB"
"""As RDS has it on a machine of 16 GB; the wheel's own 128 MB are for tests."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.catalog")
    parser.add_argument("--tracks", type=int, default=1_000_000)
    parser.add_argument("--asked", type=int, default=400, help="times each question is asked")
    parser.add_argument("--keep", type=Path, help="where the filled database stays")
    parser.add_argument("--no-http", action="store_true", help="ask the catalog only")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as scratch,
        Postgresql.start(given.keep, syncs=True) as server,
    ):
        url = _filled(server, given.tracks)
        rows = questions.ask_the_catalog(url, given.asked, random.Random(1))
        if not given.no_http:
            rows += questions.ask_the_server(url, Path(scratch), given.asked, random.Random(2))
        print(table.of(rows, size=_size(url), tracks=given.tracks))


def _filled(server: Postgresql, tracks: int) -> str:
    """Return the address of a database with so many tracks at the newest schema."""
    url = server.url(NAME)
    admin = sa.create_engine(server.url("postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        there = sa.text("SELECT 1 FROM pg_database WHERE datname = :name")
        is_new = connection.execute(there, {"name": NAME}).first() is None
        if is_new:
            connection.exec_driver_sql(f"ALTER SYSTEM SET shared_buffers = '{BUFFERS}'")
            connection.exec_driver_sql("ALTER SYSTEM SET max_wal_size = '8GB'")
            connection.exec_driver_sql(f"CREATE DATABASE {NAME}")
    admin.dispose()
    if is_new:
        server.crash()
        server.come_back()
    database = Database(url, answer_s=FILLING_S)
    migrated_s = _timed(lambda: migrate(database.engine))
    print(f"migrated in {migrated_s:.1f} s")
    if is_new:
        print(f"filled in {_timed(lambda: seed(database.engine, tracks)):.0f} s")
    with database.write() as connection:
        # Each server here has disks of its own.
        connection.execute(sa.delete(volumes))
    database.close()
    return url


def _size(url: str) -> str:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        size = sa.select(sa.func.pg_size_pretty(sa.func.pg_database_size(NAME)))
        found = str(connection.execute(size).scalar_one())
    engine.dispose()
    return found


def _timed(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


if __name__ == "__main__":
    main()
