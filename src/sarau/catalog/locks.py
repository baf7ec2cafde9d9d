"""In which order rows are locked, by everybody: two orders would lock each other out.

1. The library's objects, by whoever adds or removes one: catalog/object_lock.py before the
   transaction, and `objects.lock` as its first act.
2. The track's row.
3. The row of its run.
4. What belongs to the track: upload, source, insight, renditions.
5. The events' counter. Whoever records an event holds it until the end, so no row may be
   waited for after it that was not locked before.

A transaction that touches a track and its run begins with one of these functions, then.
An upload that is still being received has no run; its row comes before its track's, and of
several the smaller id comes first: `arriving`.
PostgreSQL ends one of two that wait for each other after a second; SQLite has one writer
at a time, who has locked everything.
"""

from collections.abc import Collection

import sqlalchemy as sa

from sarau.catalog import runs
from sarau.catalog.tables import runs as runs_table
from sarau.catalog.tables import tracks as tracks_table
from sarau.catalog.tables import uploads as uploads_table
from sarau.model.ids import RunId, TrackId, UploadId
from sarau.model.lifecycle import UploadState
from sarau.model.track import Run


def track(connection: sa.Connection, track_id: TrackId) -> None:
    """Keep others from changing a track, and whatever belongs to it, until the end."""
    query = sa.select(tracks_table.c.id).where(tracks_table.c.id == track_id)
    connection.execute(query.with_for_update())


def run(connection: sa.Connection, run_id: RunId) -> Run:
    """Lock a run's track and then the run, and return it as it is now.

    Raises:
        RefusedError: `not_found`.

    """
    track(connection, runs.get(connection, run_id).track_id)
    query = sa.select(runs_table.c.id).where(runs_table.c.id == run_id)
    connection.execute(query.with_for_update())
    return runs.get(connection, run_id)


def arriving(connection: sa.Connection, upload_ids: Collection[UploadId]) -> None:
    """Lock uploads, and then the tracks of those that are still being received."""
    query = sa.select(uploads_table.c.track_id, uploads_table.c.state)
    query = query.where(uploads_table.c.id.in_(upload_ids)).order_by(uploads_table.c.id)
    found = connection.execute(query.with_for_update()).all()
    track_ids = [track_id for track_id, state in found if state == UploadState.RECEIVING]
    query = sa.select(tracks_table.c.id).where(tracks_table.c.id.in_(track_ids))
    connection.execute(query.order_by(tracks_table.c.id).with_for_update())
