"""CPU and wall time of work that is done in child processes."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    cpu_s: float
    wall_s: float


def children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cost(work: Callable[[], object]) -> Cost:
    """Run `work`, whose children have all been waited for when it returns."""
    cpu, wall = children_cpu(), time.perf_counter()
    work()
    return Cost(children_cpu() - cpu, time.perf_counter() - wall)
