"""The operation record: numbered, append-only, in the transaction of what it records.

Numbers come from one counter row, so they have no gaps and become visible in
order: a reader that has seen number N will never find a smaller one later. A
database sequence promises neither.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

import sqlalchemy as sa

from sarau.catalog.prepared import Prepared
from sarau.catalog.tables import event_counter, events
from sarau.model.clock import now
from sarau.model.ids import RunId, TrackId, UploadId, UserId


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the record."""

    number: int
    at: datetime
    owner_id: UserId
    kind: str
    """Dotted, thing first: `track.ready`, `upload.received`, `run.failed`."""
    track_id: TrackId | None
    upload_id: UploadId | None
    run_id: RunId | None
    data: dict[str, Any]


# Made once: to build it costs more than to run it.
_TAKE: Final = (
    sa.update(event_counter)
    .values(number=event_counter.c.number + sa.bindparam("many"))
    .returning(event_counter.c.number)
)


def record(
    connection: sa.Connection,
    kind: str,
    *,
    owner_id: UserId,
    track_id: TrackId | None = None,
    upload_id: UploadId | None = None,
    run_id: RunId | None = None,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """Append an event in the caller's transaction and return it."""
    number: int = connection.execute(_TAKE, {"many": 1}).scalar_one()
    event = Event(number, now(), owner_id, kind, track_id, upload_id, run_id, dict(data or {}))
    connection.execute(sa.insert(events).values(asdict(event)))
    return event


@dataclass(frozen=True, slots=True)
class Draft:
    """An event that has no number and no time yet."""

    kind: str
    owner_id: UserId
    track_id: TrackId | None
    upload_id: UploadId | None
    data: dict[str, Any]


def record_all(connection: sa.Connection, drafts: Sequence[Draft]) -> None:
    """Append several events in their order, in the caller's transaction."""
    last: int = connection.execute(_TAKE, {"many": len(drafts)}).scalar_one()
    moment = now()
    rows = [
        (number, moment, *_drafted(draft))
        for number, draft in enumerate(drafts, last - len(drafts) + 1)
    ]
    _ADD.run(connection, rows)


_DRAFTED: Final = ("owner_id", "kind", "track_id", "upload_id", "data")
_ADD: Final = Prepared(sa.insert(events), ("number", "at", *_DRAFTED))
_drafted: Final = attrgetter(*_DRAFTED)


def last_number(connection: sa.Connection) -> int:
    """Return the number of the newest event, 0 when there is none."""
    number: int = connection.execute(sa.select(event_counter.c.number)).scalar_one()
    return number


def after(
    connection: sa.Connection, number: int, *, owner_id: UserId | None = None, limit: int = 500
) -> list[Event]:
    """Return events newer than `number`, oldest first, of one owner or of all."""
    query = sa.select(events).where(events.c.number > number).order_by(events.c.number)
    if owner_id is not None:
        query = query.where(events.c.owner_id == owner_id)
    return [Event(**row) for row in connection.execute(query.limit(limit)).mappings()]


def of_track(connection: sa.Connection, track_id: TrackId) -> list[Event]:
    """Return the whole history of a track, oldest first."""
    query = sa.select(events).where(events.c.track_id == track_id).order_by(events.c.number)
    return [Event(**row) for row in connection.execute(query).mappings()]
