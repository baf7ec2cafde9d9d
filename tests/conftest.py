"""Fixtures that every room uses."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from tests import nursery
from tests.audio.tables import Tables
from tests.catalogs import new_sqlite_catalog
from tests.ceph import ceph
from tests.contracts.stores import disconnect
from tests.faults.table import FaultTable
from tests.localstack import CREDENTIALS, localstack
from tests.music import excerpts
from tests.postgresql import Postgresql
from tests.servers import Server, Worker

from sarau.catalog import Database


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(FaultTable(), "fault table")
    config.pluginmanager.register(Tables(), "tables")


@pytest.fixture(scope="session", autouse=True)
def _certificates_are_read_once() -> Iterator[None]:
    """Let each client of HTTP have the same context of TLS: nothing takes it longer to make."""
    with pytest.MonkeyPatch.context() as patch:
        transports = httpx._transports.default
        patch.setattr(transports, "create_ssl_context", cache(transports.create_ssl_context))
        yield


@pytest.fixture(scope="session", autouse=True)
def _nursery() -> Iterator[None]:
    """Where servers and workers are forked from."""
    with nursery.opened():
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """A PostgreSQL server of this test run."""
    with Postgresql.start() as server:
        yield server


@pytest.fixture
def own_postgresql() -> Iterator[Postgresql]:
    """A PostgreSQL server that a test may stop, and whose rules of admission it may change."""
    with Postgresql.start() as server:
        yield server


@pytest.fixture(scope="session")
def aws_credentials() -> Iterator[None]:
    """What LocalStack lets in, where AWS's own tools look for it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def aws_url(aws_credentials: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # noqa: ARG001 - in the environment
    """S3 and SQS of this test run; whoever asks for them carries the mark `aws`."""
    with localstack(tmp_path_factory.mktemp("localstack")) as url:
        yield url


@pytest.fixture(scope="session")
def ceph_url(aws_credentials: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # noqa: ARG001 - in the environment
    """Ceph's S3 of this test run; whoever asks for it carries the mark `ceph`."""
    with ceph(tmp_path_factory.mktemp("ceph")) as url:
        yield url


@pytest.fixture(autouse=True)
def _no_open_connections() -> Iterator[None]:
    """Close what a test opened to S3."""
    yield
    disconnect()


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    """An empty catalog in a file."""
    yield from _opened(new_sqlite_catalog(tmp_path / "catalog.db"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty catalog at the newest schema, on each kind of database."""
    if request.param == "sqlite":
        yield from _opened(new_sqlite_catalog(tmp_path / "catalog.db"))
    else:
        postgresql: Postgresql = request.getfixturevalue("postgresql")
        url = postgresql.new_catalog()
        yield from _opened(url)
        postgresql.drop(url)


def _opened(url: str) -> Iterator[Database]:
    found = Database(url)
    yield found
    found.close()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers; all are stopped at the end."""
    started: list[Server] = []

    def make(*options: str, **environment: str) -> Server:
        server = Server(tmp_path / f"data{len(started)}", *options, **environment)
        started.append(server)
        return server.start()

    yield make
    for server in started:
        server.kill()


@pytest.fixture
def make_worker(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Start workers; all are killed at the end."""
    started: list[Worker] = []

    def make(data: Path, **environment: str) -> Worker:
        worker = Worker(data, tmp_path / f"worker{len(started)}.log", **environment)
        started.append(worker)
        return worker

    yield make
    for worker in started:
        if worker.process.poll() is None:
            worker.end()


@pytest.fixture
def server(make_server: Callable[..., Server]) -> Server:
    """One running server with an empty catalog."""
    return make_server()


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The first half minute of three real MP3 files."""
    return excerpts(tmp_path_factory.mktemp("music"))


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that every user may enter, which pytest's own are not."""
    with TemporaryDirectory(prefix="sarau-open-") as place:
        Path(place).chmod(0o755)
        yield Path(place)
