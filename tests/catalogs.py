"""Empty catalogs at the newest schema, copied from one: to migrate each would take a second."""

import functools
import tempfile
from pathlib import Path

from sarau.catalog import Database, migrate
from sarau.pipeline import DurableRuns


def make_catalog(url: str) -> None:
    """Bring an empty database to where a server's first start leaves it."""
    database = Database(url)
    migrate(database.engine)
    DurableRuns(database).close()
    database.close()


def new_sqlite_catalog(file: Path) -> str:
    """Write an empty catalog to a file and return its address."""
    file.write_bytes(_sqlite_catalog())
    return f"sqlite:///{file}"


@functools.cache
def _sqlite_catalog() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "catalog.db"
        make_catalog(f"sqlite:///{file}")
        return file.read_bytes()
