"""Workers: one row for each process that takes runs, with the time of its last sign of life.

The database's own clock says how long a worker has been silent, so machines whose
clocks differ do not declare each other dead.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from sarau.catalog.tables import runs, tracks, workers
from sarau.model.clock import now
from sarau.model.ids import TrackId, UserId
from sarau.model.lifecycle import RunState, Stage


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that takes runs from queues."""

    id: str
    host: str
    pid: int
    version: str
    """Of Sarau."""
    code_version: str
    """Of the steps: a run that began under one is not continued under another."""
    cores: int
    concurrency: int
    """Runs it works on at once."""
    queues: list[str]
    """The names of the queues it takes runs from."""
    is_draining: bool
    started_at: datetime
    seen_at: datetime
    left_at: datetime | None
    """When it said that it ends; None while it lives, and when it died."""


def moment(connection: sa.Connection) -> datetime:
    """Return the time by the database's clock; SQLite's is this machine's."""
    if connection.dialect.name == "sqlite":
        return now()
    found: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return found


def join(
    connection: sa.Connection,
    worker_id: str,
    *,
    host: str,
    pid: int,
    version: str,
    code_version: str,
    cores: int,
    concurrency: int,
    queues: Sequence[str],
) -> Worker:
    """Insert a worker that begins now."""
    at = moment(connection)
    worker = Worker(
        id=worker_id,
        host=host,
        pid=pid,
        version=version,
        code_version=code_version,
        cores=cores,
        concurrency=concurrency,
        queues=list(queues),
        is_draining=False,
        started_at=at,
        seen_at=at,
        left_at=None,
    )
    connection.execute(sa.insert(workers).values(asdict(worker)))
    return worker


def beat(connection: sa.Connection, worker_id: str) -> None:
    """Say that a worker is alive."""
    connection.execute(
        sa.update(workers)
        .where(workers.c.id == worker_id)
        .values(seen_at=moment(connection), left_at=None)
    )


def drain(connection: sa.Connection, worker_id: str) -> None:
    """Say that a worker takes nothing new."""
    connection.execute(sa.update(workers).where(workers.c.id == worker_id).values(is_draining=True))


def leave(connection: sa.Connection, worker_id: str) -> None:
    """Say that a worker has ended: its runs may be taken over at once."""
    connection.execute(
        sa.update(workers).where(workers.c.id == worker_id).values(left_at=moment(connection))
    )


def beats(connection: sa.Connection, worker_ids: Collection[str]) -> dict[str, datetime | None]:
    """Return each known worker's last sign of life, None for one that left."""
    query = sa.select(workers.c.id, workers.c.seen_at, workers.c.left_at).where(
        workers.c.id.in_(worker_ids)
    )
    return {
        row.id: row.seen_at if row.left_at is None else None for row in connection.execute(query)
    }


def living(connection: sa.Connection, *, silent_for: timedelta) -> list[Worker]:
    """Return workers that were seen lately and have not left, the oldest first."""
    query = (
        sa.select(workers)
        .where(workers.c.left_at.is_(None), workers.c.seen_at > moment(connection) - silent_for)
        .order_by(workers.c.started_at)
    )
    return [Worker(**row) for row in connection.execute(query).mappings()]


def not_left(connection: sa.Connection) -> list[Worker]:
    """Return workers that did not say that they end, however long they have been silent."""
    query = sa.select(workers).where(workers.c.left_at.is_(None)).order_by(workers.c.started_at)
    return [Worker(**row) for row in connection.execute(query).mappings()]


def at_work(connection: sa.Connection) -> dict[str, int]:
    """Return how many runs each worker is at work on."""
    query = (
        sa.select(runs.c.worker_id, sa.func.count().label("number"))
        .where(runs.c.state == RunState.RUNNING, runs.c.worker_id.is_not(None))
        .group_by(runs.c.worker_id)
    )
    return {row.worker_id: row.number for row in connection.execute(query)}


@dataclass(frozen=True, slots=True)
class Doing:
    """A run that a worker is at, as its owner may see it."""

    worker_id: str
    track_id: TrackId
    title: str
    stage: Stage
    progress: float
    """Of the stage, 0 to 1."""


def doings(connection: sa.Connection, owner_id: UserId, *, limit: int = 200) -> list[Doing]:
    """Return what workers are at that belongs to an owner, the longest at work first."""
    query = (
        sa.select(runs.c.worker_id, runs.c.track_id, tracks.c.title, runs.c.stage, runs.c.progress)
        .join(tracks, tracks.c.id == runs.c.track_id)
        .where(
            runs.c.state == RunState.RUNNING,
            runs.c.worker_id.is_not(None),
            runs.c.stage.is_not(None),
            runs.c.owner_id == owner_id,
        )
        .order_by(runs.c.started_at)
        .limit(limit)
    )
    found = connection.execute(query).mappings()
    return [Doing(**{**row, "stage": Stage(row["stage"])}) for row in found]


def forget(connection: sa.Connection, *, before: datetime) -> None:
    """Remove the rows of workers that were last seen before a time."""
    connection.execute(sa.delete(workers).where(workers.c.seen_at < before))
