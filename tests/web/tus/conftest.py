"""Servers for the tests of each verb."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.upload_server import UploadServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UploadServer]:
    started = UploadServer(tmp_path_factory.mktemp("server")).start()
    yield started
    started.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[UploadServer]:
    """A server that the test may kill."""
    started = UploadServer(tmp_path, options=(f"max={1 << 60}",)).start()
    yield started
    if started.process is not None and started.process.poll() is None:
        started.stop()
