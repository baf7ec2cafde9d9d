"""What the catalog can say about the whole installation at a moment."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from sarau.catalog import events
from sarau.catalog.tables import objects, runs, tracks, uploads
from sarau.model.lifecycle import RunState, TrackState, UploadState

State = TypeVar("State", TrackState, UploadState)

_OPEN = (RunState.QUEUED, RunState.RUNNING)


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
    """Count everything; every state is named, those without rows with 0."""
    return Figures(
        queues=queues(connection),
        tracks=_by_state(connection, tracks, TrackState),
        uploads=_by_state(connection, uploads, UploadState),
        receiving_bytes=_scalar(
            connection,
            sa.select(sa.func.coalesce(sa.func.sum(uploads.c.offset_bytes), 0)).where(
                uploads.c.state == UploadState.RECEIVING
            ),
        ),
        damaged_objects=_scalar(
            connection, _count(objects).where(objects.c.damaged_at.is_not(None))
        ),
        objects=_scalar(connection, _count(objects)),
        oldest_unread_at=connection.execute(
            sa.select(sa.func.min(sa.func.coalesce(objects.c.verified_at, objects.c.stored_at)))
        ).scalar_one(),
        last_event=events.last_number(connection),
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
        .where(runs.c.state.in_(_OPEN))
        .group_by(runs.c.state)
    )
    found = {state: Queue(0, 0, None, None) for state in _OPEN}
    for row in connection.execute(query):
        queue = Queue(row.depth, int(row.retries), row.oldest_at, row.moved_at)
        found[RunState(row.state)] = queue
    return found


def _by_state(connection: sa.Connection, table: sa.Table, states: type[State]) -> dict[State, int]:
    query = sa.select(table.c.state, sa.func.count()).group_by(table.c.state)
    found = {row[0]: row[1] for row in connection.execute(query)}
    return {state: found.get(state, 0) for state in states}


def _count(table: sa.Table) -> sa.Select[int]:
    return sa.select(sa.func.count()).select_from(table)


def _scalar(connection: sa.Connection, query: sa.Select[int]) -> int:
    return int(connection.execute(query).scalar_one())
