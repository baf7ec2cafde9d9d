"""Workers and queues at a glance, for people and for metrics."""

from dataclasses import dataclass

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
        at = workers.moment(connection)
        busy = workers.at_work(connection)
        helping = groups.helping(connection)
        waiting = turns.waiting(connection)
    lines = (
        WorkerLine(
            one,
            busy.get(one.id, 0) + helping.get(one.id, 0),
            max(0.0, (at - one.seen_at).total_seconds()),
        )
        for one in alive
    )
    return Overview(tuple(lines), waiting.interactive, waiting.bulk, sum(busy.values()))
