"""Whose turn it is: interactive before bulk, and every user in turn within each.

A run gets its turn when it is queued, one after the last of its owner's that wait, and
never before the turn that is being served now. So ten thousand files of one user take
ten thousand turns, and the first file of another takes the next one (start-time fair
queueing: Goyal, Vin and Cheng, 1996). Whoever has nothing waiting loses and saves up
nothing. Turns begin anew whenever nobody waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sarau.catalog.tables import imports, runs, uploads
from sarau.model.ids import TrackId, UserId
from sarau.model.lifecycle import RunState

_INTERACTIVE = 1
_BULK = 1_000_000_000
_END = 2_000_000_000
"""Turns are the priorities of the queue, which are 31 bits wide and served in order."""


def next_turns(
    connection: sa.Connection,
    owner_id: UserId,
    track_ids: Sequence[TrackId],
    *,
    is_bulk: bool | None = None,
) -> list[int]:
    """Return the turns of new runs of one owner, one for each track, in their order.

    Args:
        connection: The transaction that creates the runs.
        owner_id: Whose runs they are.
        track_ids: Of which tracks.
        is_bulk: Whether others go first; None: where its file came from a folder.

    """
    row = connection.execute(_PLACES, {"whose": owner_id}).one()
    if is_bulk is None:
        found = connection.execute(_IMPORTED, {"among": list(track_ids)}).scalars()
        bulk = {TrackId(track_id) for track_id in found}
    else:
        bulk = set(track_ids) if is_bulk else set()
    lines = (_Line(_INTERACTIVE, _BULK, *row[0:2]), _Line(_BULK, _END, *row[2:4]))
    return [lines[track_id in bulk].take() for track_id in track_ids]


class _Line:
    """The runs that wait in one of the two classes."""

    def __init__(self, start: int, end: int, served: int | None, own: int | None) -> None:
        self._next = max(start, served or start, (own or 0) + 1)
        self._last = end - 1

    def take(self) -> int:
        turn = min(self._next, self._last)
        self._next += 1
        return turn


def _places(start: int, end: int) -> list[sa.ScalarSelect[int]]:
    """Return queries for the turn being served and for the owner's last one."""
    waiting = sa.and_(runs.c.state == RunState.QUEUED, runs.c.turn >= start, runs.c.turn < end)
    return [
        sa.select(sa.func.min(runs.c.turn)).where(waiting).scalar_subquery(),
        sa.select(sa.func.max(runs.c.turn))
        .where(waiting, runs.c.owner_id == sa.bindparam("whose"))
        .scalar_subquery(),
    ]


# Made once: to build them costs more than to run them.
_PLACES = sa.select(*_places(_INTERACTIVE, _BULK), *_places(_BULK, _END))
_IMPORTED = (
    sa.select(uploads.c.track_id)
    .join(imports, imports.c.upload_id == uploads.c.id)
    .where(uploads.c.track_id.in_(sa.bindparam("among", expanding=True)))
)


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
