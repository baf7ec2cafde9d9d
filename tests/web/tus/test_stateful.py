"""Anything two clients can do to the same uploads, in any order, with kills in between."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.web.tus.upload_machine import Uploads
from tests.web.upload_server import UploadServer


@pytest.fixture
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[type[Uploads]]:
    """The rules over two server processes of one volume."""
    first = UploadServer(tmp_path_factory.mktemp("two")).start()
    second = first.second()

    class Machine(Uploads):
        servers = (first, second)

    yield Machine
    first.kill()
    second.kill()


@pytest.mark.parametrize(
    ("examples", "steps", "is_random"),
    [
        pytest.param(3, 12, False, id="a little"),
        pytest.param(120, 40, True, id="for long", marks=pytest.mark.soak),
    ],
)
def test_nothing_acknowledged_is_lost_and_no_offset_is_wrong(
    machine: type[Uploads], *, examples: int, steps: int, is_random: bool
) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=not is_random,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
