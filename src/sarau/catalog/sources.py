"""Sources: the file as sent, what was measured of it, and where its bytes are."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from sarau.catalog._records import Records, unfold
from sarau.catalog.tables import sources
from sarau.model.ids import TrackId
from sarau.model.track import Source

_ROWS = Records(sources, Source, warnings=tuple)
"""Without the waveform: it is large, and read only where it is drawn."""


def save(connection: sa.Connection, source: Source, waveform: dict[str, Any]) -> None:
    """Insert what was measured of a track's source, or replace what an earlier run found."""
    connection.execute(sa.delete(sources).where(sources.c.track_id == source.track_id))
    measured = {**unfold(source), "warnings": list(source.warnings), "waveform": waveform}
    connection.execute(sa.insert(sources).values(measured))


def mark_stored(connection: sa.Connection, track_id: TrackId, sha256: str) -> None:
    """Say which object of the library holds the source."""
    connection.execute(
        sa.update(sources).where(sources.c.track_id == track_id).values(object_sha256=sha256)
    )


def let_go(connection: sa.Connection, track_id: TrackId) -> None:
    """Keep what was measured but not the bytes; the collector takes what nothing refers to."""
    connection.execute(
        sa.update(sources).where(sources.c.track_id == track_id).values(object_sha256=None)
    )


def remove(connection: sa.Connection, track_id: TrackId) -> None:
    """Forget a source; the collector then takes its object when nothing else refers to it."""
    connection.execute(sa.delete(sources).where(sources.c.track_id == track_id))


def find(connection: sa.Connection, track_ids: Sequence[TrackId]) -> dict[TrackId, Source]:
    """Return the sources of tracks that have one, without their waveforms."""
    found = _ROWS.of(connection, sources.c.track_id, track_ids)
    return {source.track_id: source for source in found}


def waveform(connection: sa.Connection, track_id: TrackId) -> dict[str, Any] | None:
    """Return the stored waveform of a track, None while there is none."""
    query = sa.select(sources.c.waveform).where(sources.c.track_id == track_id)
    return connection.execute(query).scalar_one_or_none()
