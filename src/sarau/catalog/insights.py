"""Insights: the quality report of a track's source, and what its pictures are drawn from.

Kept beside `sources` and not in it: a list of tracks reads every source, and no report.
"""

from typing import Any

import sqlalchemy as sa

from sarau.catalog.tables import insights
from sarau.model.ids import TrackId


def save(
    connection: sa.Connection,
    track_id: TrackId,
    *,
    report: dict[str, Any],
    loudness_curve: dict[str, Any],
    spectrogram: bytes,
) -> None:
    """Insert what was understood of a source, or replace what an earlier run found."""
    remove(connection, track_id)
    connection.execute(
        sa.insert(insights).values(
            track_id=track_id,
            report=report,
            loudness_curve=loudness_curve,
            spectrogram=spectrogram,
        )
    )


def remove(connection: sa.Connection, track_id: TrackId) -> None:
    """Forget a report."""
    connection.execute(sa.delete(insights).where(insights.c.track_id == track_id))


def report(connection: sa.Connection, track_id: TrackId) -> dict[str, Any] | None:
    """Return a track's report, None while there is none."""
    found: dict[str, Any] | None = _one(connection, track_id, insights.c.report)
    return found


def loudness_curve(connection: sa.Connection, track_id: TrackId) -> dict[str, Any] | None:
    """Return the loudness over time of a track's source, None while there is none."""
    found: dict[str, Any] | None = _one(connection, track_id, insights.c.loudness_curve)
    return found


def spectrogram(connection: sa.Connection, track_id: TrackId) -> bytes | None:
    """Return the PNG of a track's source, None while there is none."""
    found: bytes | None = _one(connection, track_id, insights.c.spectrogram)
    return found


def _one(connection: sa.Connection, track_id: TrackId, column: sa.Column[Any]) -> Any:  # noqa: ANN401 - as the column
    query = sa.select(column).where(insights.c.track_id == track_id)
    return connection.execute(query).scalar_one_or_none()
