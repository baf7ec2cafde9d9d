"""What the tests of faults share."""

from collections.abc import Callable

import pytest
from tests.faults.table import FAULT

Tell = Callable[..., None]


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Add to a row of the table; `points` are the faults tried, `hit` those that took place."""

    def add(fault: str, *, points: int, hit: int | None = None, lost: int = 0) -> None:
        record_property(FAULT, (fault, points, points if hit is None else hit, lost))

    return add
