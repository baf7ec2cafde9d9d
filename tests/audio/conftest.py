"""One engine for all tests of the engine, and the spoiled files."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.audio.kitchen import Kitchen
from tests.audio.studio import STREAMING, Work
from tests.audio.tables import TABLE, Tell

from sarau.audio import Engine
from sarau.model.preset import Preset


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A running engine with the limits that everybody gets."""
    with Engine() as running:
        yield running


@pytest.fixture(scope="session")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Kitchen:
    """Well-formed files of every kind, made once."""
    return Kitchen(tmp_path_factory.mktemp("kitchen"))


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Print lines under a heading at the end of the run."""

    def add(heading: str, lines: list[str]) -> None:
        record_property(TABLE, (heading, lines))

    return add


@pytest.fixture
def work(engine: Engine, tmp_path: Path) -> Callable[..., Work]:
    """Take a source through the whole engine."""

    def do(data: bytes, preset: Preset = STREAMING, name: str = "source") -> Work:
        source = tmp_path / name
        source.write_bytes(data)
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        analysis = engine.analyse(source)
        files = engine.render(source, analysis, preset, out)
        renditions = engine.verify(source, analysis, preset, files, out)
        return Work(source, analysis, files, {each.file.spec.name: each for each in renditions})

    return do
