"""One engine for all tests of the engine, and the spoiled files."""

from collections.abc import Iterator

import pytest
from tests.audio.hostile import Kitchen

from sarau.audio import Engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A running engine with the limits that everybody gets."""
    with Engine() as running:
        yield running


@pytest.fixture(scope="session")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Kitchen:
    """Well-formed files of every kind, made once."""
    return Kitchen(tmp_path_factory.mktemp("kitchen"))
