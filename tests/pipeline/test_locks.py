"""One order of locks: catalog/locks.py. Only PostgreSQL lets two writers wait for each other."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa
from tests.pipeline.conftest import Rooms
from tests.postgresql import wait_until_somebody_waits
from tests.sounds import write_music

from sarau.app import App
from sarau.catalog import events, listing, tracks
from sarau.catalog.tables import tracks as tracks_table
from sarau.errors import FailedCode, RejectedCode
from sarau.model.ids import LOCAL_USER_ID, RunId
from sarau.model.lifecycle import Stage
from sarau.pipeline.outcome import Outcome
from sarau.pipeline.runner import fail, reject
from sarau.web.api.tracks import edit_track
from sarau.web.api.views import TrackEdit

Act = Callable[[Rooms, RunId], object]
ACTS: dict[str, Act] = {
    "enter": lambda rooms, run_id: rooms.steps._enter(run_id, Stage.VALIDATE),
    "publish": lambda rooms, run_id: rooms.steps.publish(run_id, []),
    "fail": lambda rooms, run_id: fail(rooms.database, run_id, FailedCode.DISK_ERROR, None),
    "reject": lambda rooms, run_id: reject(
        rooms.database, rooms.intake, run_id, Outcome("rejected", {}, RejectedCode.NOT_AUDIO)
    ),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_whoever_edits_a_track_and_whoever_works_on_it_wait_for_one_another(
    rooms: Rooms, tmp_path: Path, act: str
) -> None:
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    track_id = rooms.run(run_id).track_id
    if act != "enter":
        rooms.steps._enter(run_id, Stage.VALIDATE)
    with ThreadPoolExecutor(1) as pool:
        with rooms.database.write() as connection:
            # As an edit goes: the track's row, and then the events' counter.
            connection.execute(
                sa.update(tracks_table).where(tracks_table.c.id == track_id).values(title="A")
            )
            other = pool.submit(ACTS[act], rooms, run_id)
            wait_until_somebody_waits(rooms.database)
            events.record(connection, "track.edited", owner_id=LOCAL_USER_ID, track_id=track_id)
        other.result(timeout=30)
    assert rooms.track(track_id).title == "A"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_track_that_two_name_at_once_is_found_by_all_of_its_name(
    rooms: Rooms, tmp_path: Path
) -> None:
    run_id = rooms.receive(write_music(tmp_path / "a.wav", seconds=0.5))
    track = rooms.track(rooms.run(run_id).track_id)
    edit = TrackEdit(artist="Tom Jobim")
    with ThreadPoolExecutor(1) as pool:
        with rooms.database.write() as connection:
            tracks.edit(connection, track, title="Corcovado", artist=None)
            other = pool.submit(edit_track, cast("App", rooms), LOCAL_USER_ID, "en", track.id, edit)
            wait_until_somebody_waits(rooms.database)
        other.result(timeout=30)
    with rooms.database.read() as connection:
        found = listing.page(connection, LOCAL_USER_ID, limit=1, text="corcovado jobim")
    assert [one.id for one in found] == [track.id]
