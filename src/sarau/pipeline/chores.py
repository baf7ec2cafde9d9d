"""What the engine of durable runs does every second for programs that Sarau has none of."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any


def skip(system: Any) -> None:  # noqa: ANN401 - DBOS's
    """Have nobody look for programs that wait for a time, or that have one to end by.

    Whichever process has the lock of these chores asks for both each second, and the others
    ask for the lock. tests/pipeline/test_durable_contract.py pins that no run is either.

    Args:
        system: DBOS's own `SystemDatabase`.

    """

    def background_job_lock(_name: str) -> AbstractContextManager[bool]:
        return nullcontext(enter_result=False)

    system.background_job_lock = background_job_lock
