"""What the catalog can say about the whole installation at a moment."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from sarau.catalog import events, tallies
from sarau.catalog.objects import count_damaged, oldest_unread_at
from sarau.catalog.runs import OPEN
from sarau.catalog.tables import objects, runs, tracks, uploads
from sarau.model.lifecycle import RunState, TrackState, UploadState

State = TypeVar("State", TrackState, UploadState)

COUNTED = 10_000
"""How many waiting runs are counted where somebody looks every second."""
_STORED = "stored"
"""The one state in which objects are tallied."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Runs in one open state."""

    depth: int
    retries: int
    """Of them, those that are not their track's first attempt."""
    oldest_at: datetime | None
    moved_at: datetime | None
    """When one of them last reported progress."""


@dataclass(frozen=True, slots=True)
class Movement:
    """What can be said of the queue at a cost that does not grow with it."""

    queued: int
    """At most `COUNTED`."""
    oldest_at: datetime | None
    """When the oldest of them was queued."""
    running: int
    moved_at: datetime | None
    """When one of those at work last reported progress."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts over all owners."""

    queues: dict[RunState, Queue]
    tracks: dict[TrackState, int]
    uploads: dict[UploadState, int]
    receiving_bytes: int
    """Acknowledged bytes of uploads that are not whole yet."""
    damaged_objects: int
    objects: int
    oldest_unread_at: datetime | None
    """Since when the object that waits longest for the scrub was not read."""
    last_event: int


def read(connection: sa.Connection) -> Figures:
    """Return all of them; every state is named, those without rows with 0."""
    return Figures(
        queues=queues(connection),
        tracks=_by_state(connection, tracks, TrackState),
        uploads=_by_state(connection, uploads, UploadState),
        receiving_bytes=_receiving_bytes(connection),
        damaged_objects=count_damaged(connection),
        objects=tallies.by_state(connection, objects).get(_STORED, 0),
        oldest_unread_at=oldest_unread_at(connection),
        last_event=events.last_number(connection),
    )


def movement(connection: sa.Connection) -> Movement:
    """Return whether runs wait and whether any moves, without counting all that wait."""
    is_queued = runs.c.state == RunState.QUEUED
    some = sa.select(runs.c.state).where(is_queued).limit(COUNTED).subquery()
    queued = sa.select(sa.func.count()).select_from(some)
    oldest_at = sa.select(sa.func.min(runs.c.created_at)).where(is_queued)
    at_work = sa.select(sa.func.count(), sa.func.max(runs.c.progress_at))
    running = connection.execute(at_work.where(runs.c.state == RunState.RUNNING)).one()
    return Movement(
        queued=connection.execute(queued).scalar_one(),
        oldest_at=connection.execute(oldest_at).scalar_one(),
        running=running[0],
        moved_at=running[1],
    )


def queues(connection: sa.Connection) -> dict[RunState, Queue]:
    """Return what waits and what is at work."""
    query = (
        sa.select(
            runs.c.state,
            sa.func.count().label("depth"),
            sa.func.sum(sa.case((runs.c.attempt > 1, 1), else_=0)).label("retries"),
            sa.func.min(runs.c.created_at).label("oldest_at"),
            sa.func.max(runs.c.progress_at).label("moved_at"),
        )
        .where(runs.c.state.in_(OPEN))
        .group_by(runs.c.state)
    )
    found = {state: Queue(0, 0, None, None) for state in OPEN}
    for row in connection.execute(query):
        queue = Queue(row.depth, int(row.retries), row.oldest_at, row.moved_at)
        found[RunState(row.state)] = queue
    return found


def _by_state(connection: sa.Connection, table: sa.Table, states: type[State]) -> dict[State, int]:
    found = tallies.by_state(connection, table)
    return {state: found.get(state, 0) for state in states}


def _receiving_bytes(connection: sa.Connection) -> int:
    query = sa.select(sa.func.coalesce(sa.func.sum(uploads.c.offset_bytes), 0))
    receiving = query.where(uploads.c.state == UploadState.RECEIVING)
    return int(connection.execute(receiving).scalar_one())
