"""Moving an installation's catalog to another database, with every run that is still open.

Where a run stood is known to the engine of durable runs alone, in tables of its own that
differ between databases. They are not copied: an open run is queued anew, in the
transaction that copies the catalog, and begins again from its start, as it does when no
living worker can continue it. Its steps find what they did before and do not do it twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from sarau.catalog import Database, events, groups, migrate, moving, volumes, workers
from sarau.errors import RefusedCode, RefusedError
from sarau.pipeline.durable import DurableRuns
from sarau.pipeline.liveness import announce, new_executor_id
from sarau.pipeline.pulse import SILENT
from sarau.pipeline.routes import Routes

Phase = Literal["copy", "compare"]
Told = Callable[[Phase, str, int, int], None]
"""Takes the phase, a table, how many rows of it were just done, and how many rows there are."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What was copied and found equal."""

    rows: dict[str, int]
    """By table."""
    open_runs: int
    """Queued anew at the target."""
    last_event: int
    """The number of the newest event; the next one gets the number after it."""


def move(source: Database, target: Database, told: Told) -> Moved:
    """Copy the catalog of `source` into `target`, compare every row, and queue its open runs.

    All of it is one transaction on the target. The source is only read, and held still.

    Raises:
        RefusedError: `catalog_in_use`, `catalog_not_current` or `catalog_not_empty`.
        FailedError: `catalog_not_moved`, when the target does not hold exactly the same.

    """
    _check_there(source)
    with source.read() as connection:
        moving.check_current(connection)
    with target.read() as connection:
        # Before the migration: somebody else's catalog is not even brought up to date.
        moving.check_empty(connection)
    migrate(target.engine)
    with source.read() as connection:
        intake_id = volumes.known_id(connection, "intake")
    # Each host of D brings its files to the library, whether it works on them or not.
    durable = DurableRuns(target, Routes(intake_id, promote_first=True))
    try:
        with source.write() as reading, target.write() as writing:
            moving.hold(reading)
            _check_idle(source, reading)
            moving.hold(writing)
            moving.check_empty(writing)
            return _move(reading, writing, durable, told)
    finally:
        durable.close()


def _move(source: sa.Connection, target: sa.Connection, durable: DurableRuns, told: Told) -> Moved:
    rows = moving.count(source)
    total = sum(rows.values())
    moving.copy(source, target, lambda table, done: told("copy", table, done, total))
    moving.compare(source, target, lambda table, done: told("compare", table, done, total))
    queued = 0
    for run in moving.open_runs(source):
        route = durable.routes.of(is_stored=run.is_stored)
        durable.enqueue(target, run.id, route=route, turn=run.turn)
        # What helpers had of it was queued at the source alone.
        groups.remove(target, run.id)
        queued += 1
    return Moved(rows, queued, events.last_number(target))


def _check_there(source: Database) -> None:
    """Refuse a file that does not exist, before SQLite makes an empty one of that name."""
    url = source.engine.url
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        why = f"there is no file {url.database}"
        raise RefusedError(RefusedCode.CATALOG_NOT_CURRENT, why)


def _check_idle(source: Database, connection: sa.Connection) -> None:
    """Refuse while a server or worker lives on the source.

    A pulse in the last twenty seconds is a sign of life, and so is the lock of one that
    hangs: what it does when it wakes would be lost, or done twice.
    """
    liveness = announce(source, new_executor_id())
    try:
        fresh = {one.id for one in workers.living(connection, silent_for=SILENT)}
        for one in workers.not_left(connection):
            if one.id in fresh or not liveness.is_dead(one.id):
                why = f"{one.host}:{one.pid} was seen at {one.seen_at:%Y-%m-%d %H:%M:%S} UTC"
                raise RefusedError(RefusedCode.CATALOG_IN_USE, why)
    finally:
        liveness.close()
