"""The fault table: what was broken, how often, and what was lost, printed at the end of a run."""

from collections.abc import Callable, Iterator

import pytest
from tests.faults.table import ROWS, Row, line

_met = pytest.StashKey[dict[str, Row]]()

Tell = Callable[..., None]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_met] = {}


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Add to a row of the table; `points` are the faults tried, `hit` those that took place."""

    def add(fault: str, *, points: int, hit: int | None = None, lost: int = 0) -> None:
        promise = ROWS[fault]
        found = request.config.stash[_met]
        before = found.get(fault, Row(promise))
        found[fault] = before.plus(points, points if hit is None else hit, lost)

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    met = terminalreporter.config.stash[_met]
    if not met:
        return
    terminalreporter.write_sep("-", "fault table")
    for text in table(met):
        terminalreporter.write_line(text)


def table(met: dict[str, Row]) -> Iterator[str]:
    yield "| Broken | Tried | Took place | Lost | Answer |"
    yield "|---|---|---|---|---|"
    for fault in ROWS:
        if fault in met:
            yield line(fault, met[fault])
