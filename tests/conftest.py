"""Fixtures that every room uses."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.music import real_music
from tests.servers import Server

from sarau.catalog import Database, migrate


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty catalog at the newest schema."""
    found = Database(f"sqlite:///{tmp_path / 'catalog.db'}")
    migrate(found.engine)
    yield found
    found.close()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers; all are stopped at the end."""
    started: list[Server] = []

    def make(**environment: str) -> Server:
        server = Server(tmp_path / f"data{len(started)}", **environment)
        started.append(server)
        return server.start()

    yield make
    for server in started:
        server.kill()


@pytest.fixture
def server(make_server: Callable[..., Server]) -> Server:
    """One running server with an empty catalog."""
    return make_server()


@pytest.fixture(scope="session")
def music() -> list[Path]:
    """Real MP3 files."""
    return real_music()
