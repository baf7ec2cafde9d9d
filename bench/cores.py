"""Which cores the things that are measured may use."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager


def all_cores() -> list[int]:
    """Return the cores that this process has."""
    return sorted(os.sched_getaffinity(0))


@contextmanager
def on_cores(cores: Collection[int]) -> Iterator[None]:
    """Give what is started in the block, and all that it starts, these cores and no others."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
