"""What is asked every second costs the same however long the queue is."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.catalogs import new_sqlite_catalog

from sarau.catalog import Database, figures, runs, tables, tracks
from sarau.model.ids import LOCAL_USER_ID, TrackId, UploadId, new_id
from sarau.model.lifecycle import RunState
from sarau.pipeline.overview import worker_lines


def _queue(database: Database, number: int) -> None:
    """Queue more runs of one track."""
    with database.write() as connection:
        track = tracks.create(
            connection,
            TrackId(new_id()),
            owner_id=LOCAL_USER_ID,
            filename="a.wav",
            title="a",
            preset="archive",
            upload_id=UploadId(new_id()),
        )
        (run,) = runs.create(connection, [(track, 1)])
        table = tables.runs
        row = connection.execute(sa.select(table).where(table.c.id == run.id)).mappings().one()
        more = [{**row, "id": new_id()} for _ in range(number - 1)]
        connection.execute(sa.insert(table), more)


def test_the_queue_is_counted_up_to_a_limit(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "COUNTED", 5)
    for number, counted in ((3, 3), (7, 5)):
        _queue(database, number)
        with database.read() as connection:
            found = figures.movement(connection)
            every = figures.queues(connection)[RunState.QUEUED]
        assert (found.queued, found.running, found.moved_at) == (counted, 0, None)
        assert found.oldest_at == every.oldest_at
    assert every.depth == 10


def test_a_long_queue_costs_no_more_than_a_short_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in steps of SQLite's machine, of which a clock knows nothing."""
    monkeypatch.setattr(figures, "COUNTED", 50)
    database = Database(new_sqlite_catalog(tmp_path / "catalog.db"))
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    sa.event.listen(
        database.engine, "checkout", lambda driver, *_: driver.set_progress_handler(step, 1)
    )

    def cost() -> int:
        nonlocal steps
        steps = 0
        with database.read() as connection:
            figures.movement(connection)
        worker_lines(database)
        return steps

    _queue(database, 100)
    short = cost()
    _queue(database, 2000)
    assert 0 < cost() < 1.2 * short
    database.close()
