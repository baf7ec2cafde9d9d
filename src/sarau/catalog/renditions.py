"""Renditions: the encoded outputs of a track with the evidence of each."""

from collections.abc import Iterable, Sequence
from operator import attrgetter

import sqlalchemy as sa

from sarau.catalog._records import Records, unfold
from sarau.catalog.tables import renditions
from sarau.errors import RefusedCode, RefusedError
from sarau.model.ids import TrackId
from sarau.model.track import Rendition

_ROWS = Records(renditions, Rendition)


def replace_all(connection: sa.Connection, track_id: TrackId, new: Iterable[Rendition]) -> None:
    """Make `new` the renditions of a track, whatever it had before."""
    connection.execute(sa.delete(renditions).where(renditions.c.track_id == track_id))
    rows = [unfold(rendition) for rendition in new]
    if rows:
        connection.execute(sa.insert(renditions), rows)


def find(connection: sa.Connection, track_ids: Sequence[TrackId]) -> dict[TrackId, list[Rendition]]:
    """Return the renditions of tracks, in the order of their preset."""
    rows = _ROWS.of(connection, renditions.c.track_id, track_ids)
    found: dict[TrackId, list[Rendition]] = {}
    for rendition in sorted(rows, key=attrgetter("position")):
        found.setdefault(rendition.track_id, []).append(rendition)
    return found


def get(connection: sa.Connection, track_id: TrackId, name: str) -> Rendition:
    """Return one rendition by its name.

    Raises:
        RefusedError: `not_found`.

    """
    query = sa.select(*_ROWS.columns).where(
        renditions.c.track_id == track_id, renditions.c.name == name
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise RefusedError(RefusedCode.NOT_FOUND, f"no rendition {name!r} of track {track_id!r}")
    return _ROWS.read(row)
