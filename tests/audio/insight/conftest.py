"""The report of samples, as a function."""

from pathlib import Path

import pytest
from tests.audio.insight.signals import Report, report_of

from sarau.audio import Engine


@pytest.fixture
def report(engine: Engine, tmp_path: Path) -> Report:
    return report_of(engine, tmp_path)
