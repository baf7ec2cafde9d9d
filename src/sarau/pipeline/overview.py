"""Workers and queues at a glance, for people and for metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sarau.catalog import Database, groups, turns, workers
from sarau.catalog.workers import Worker
from sarau.pipeline.pulse import living


@dataclass(frozen=True, slots=True)
class WorkerLine:
    """A living worker."""

    worker: Worker
    at_work: int
    """Runs whose stage it entered last, and groups of others' runs that it makes."""
    silent_s: float
    """Since its last sign of life, by the database's clock."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The living workers, and the runs that wait and are at work."""

    workers: tuple[WorkerLine, ...]
    interactive: int
    """Waiting: somebody waits for them."""
    bulk: int
    """Waiting: came from a folder, or begin again by themselves."""
    running: int


def overview(database: Database) -> Overview:
    """Return what the catalog knows of all machines now."""
    alive = living(database)
    with database.read() as connection:
        busy = workers.at_work(connection)
        lines = _lines(connection, alive, busy)
        waiting = turns.waiting(connection)
    return Overview(lines, waiting.interactive, waiting.bulk, sum(busy.values()))


def worker_lines(database: Database) -> tuple[WorkerLine, ...]:
    """Return the living workers alone: what waits is not counted."""
    alive = living(database)
    with database.read() as connection:
        return _lines(connection, alive, workers.at_work(connection))


def _lines(
    connection: sa.Connection, alive: Sequence[Worker], busy: Mapping[str, int]
) -> tuple[WorkerLine, ...]:
    at = workers.moment(connection)
    helping = groups.helping(connection)
    return tuple(
        WorkerLine(
            one,
            busy.get(one.id, 0) + helping.get(one.id, 0),
            max(0.0, (at - one.seen_at).total_seconds()),
        )
        for one in alive
    )
