"""Whose turn it is: interactive before bulk, and every user in turn within each.

A run gets its turn when it is queued, one after the last of its owner's that wait, and
never before the turn that is being served now. So ten thousand files of one user take
ten thousand turns, and the first file of another takes the next one (start-time fair
queueing: Goyal, Vin and Cheng, 1996). Whoever has nothing waiting loses and saves up
nothing. Turns begin anew whenever nobody waits.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from sarau.catalog.tables import imports, runs, uploads
from sarau.model.ids import TrackId, UserId
from sarau.model.lifecycle import RunState

_INTERACTIVE = 1
_BULK = 1_000_000_000
_END = 2_000_000_000
"""Turns are the priorities of the queue, which are 31 bits wide and served in order."""


def next_turn(
    connection: sa.Connection, owner_id: UserId, track_id: TrackId, *, is_bulk: bool | None = None
) -> int:
    """Return the turn of a new run.

    Args:
        connection: The transaction that creates the run.
        owner_id: Whose run it is.
        track_id: Of which track.
        is_bulk: Whether others go first; None: when its file came from a folder.

    """
    imported = sa.exists().where(
        imports.c.upload_id == uploads.c.id, uploads.c.track_id == track_id
    )
    columns = [
        *_places(owner_id, _INTERACTIVE, _BULK),
        *_places(owner_id, _BULK, _END),
        sa.select(imported).scalar_subquery(),
    ]
    row = connection.execute(sa.select(*columns)).one()
    if is_bulk is None:
        is_bulk = bool(row[4])
    start, served, own = (_BULK, *row[2:4]) if is_bulk else (_INTERACTIVE, *row[0:2])
    limit = _END if is_bulk else _BULK
    return int(min(max(start, served or start, (own or 0) + 1), limit - 1))


def _places(owner_id: UserId, start: int, end: int) -> list[sa.ScalarSelect[int]]:
    """Return queries for the turn being served and for the owner's last one."""
    waiting = sa.and_(runs.c.state == RunState.QUEUED, runs.c.turn >= start, runs.c.turn < end)
    return [
        sa.select(sa.func.min(runs.c.turn)).where(waiting).scalar_subquery(),
        sa.select(sa.func.max(runs.c.turn))
        .where(waiting, runs.c.owner_id == owner_id)
        .scalar_subquery(),
    ]


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many runs wait."""

    interactive: int
    bulk: int


def is_anybody_waiting(connection: sa.Connection) -> bool:
    """Tell whether any run is queued."""
    query = sa.select(runs.c.id).where(runs.c.state == RunState.QUEUED).limit(1)
    return connection.execute(query).first() is not None


def waiting(connection: sa.Connection) -> Waiting:
    """Return how many runs are queued."""
    is_bulk = sa.case((runs.c.turn >= _BULK, 1), else_=0)
    query = sa.select(sa.func.count(), sa.func.sum(is_bulk)).where(runs.c.state == RunState.QUEUED)
    total, bulk = connection.execute(query).one()
    return Waiting(interactive=total - (bulk or 0), bulk=bulk or 0)
