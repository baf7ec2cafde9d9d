"""A file goes to the library once, whoever else is at it, and twins find each other."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.pipeline.conftest import LateEngine, Rooms
from tests.sounds import write_music

from sarau.catalog import events, uploads
from sarau.catalog.tables import objects
from sarau.errors import FailedCode, FailedError
from sarau.library import DiskLibrary, ObjectRef
from sarau.model.ids import LOCAL_USER_ID, RunId, TrackId
from sarau.model.lifecycle import TrackState, UploadState
from sarau.model.upload import Upload
from sarau.pipeline.steps import Steps


class Gate(DiskLibrary):
    """The library, with a door before its copying and one after it."""

    def __init__(self, library: DiskLibrary) -> None:
        super().__init__(library.volume)
        self.arrived, self.may_copy = threading.Event(), threading.Event()
        self.copied, self.may_commit = threading.Event(), threading.Event()

    def put(self, path: Path, expected_sha256: str | None = None) -> ObjectRef:
        self.arrived.set()
        assert self.may_copy.wait(30)
        found = super().put(path, expected_sha256)
        self.copied.set()
        assert self.may_commit.wait(30)
        return found


def upload_of(rooms: Rooms, track_id: TrackId) -> Upload:
    with rooms.database.read() as connection:
        found = uploads.of_track(connection, track_id)
    assert found
    return found


def begun_again(rooms: Rooms, run_id: RunId) -> RunId:
    """Cancel a run and try its track again, as a person does who is impatient."""
    track_id = rooms.run(run_id).track_id
    rooms.pipeline.cancel(track_id, LOCAL_USER_ID)
    again = rooms.pipeline.retry(track_id, LOCAL_USER_ID).run_id
    assert again
    return again


def kinds_of(rooms: Rooms, track_id: TrackId) -> list[str]:
    with rooms.database.read() as connection:
        return [event.kind for event in events.of_track(connection, track_id)]


def ready(rooms: Rooms, run_id: RunId, analysis: Any) -> TrackState:
    made = rooms.steps.render(run_id, analysis)["renditions"]
    rooms.steps.publish(run_id, made)
    return rooms.track(rooms.run(run_id).track_id).state


@pytest.mark.parametrize("winner", ["the cancelled run", "its successor"])
@pytest.mark.parametrize("loser_has", ["copied", "not copied"])
def test_a_run_that_replaces_one_at_its_storing_finds_the_source_stored(
    rooms: Rooms, tmp_path: Path, winner: str, loser_has: str
) -> None:
    path = write_music(tmp_path / "a.wav")
    first = rooms.receive(path)
    rooms.steps.validate(first)
    gates = [Gate(rooms.library), Gate(rooms.library)]
    old, new = (Steps(**_fields(rooms.steps) | {"library": gate}) for gate in gates)
    with ThreadPoolExecutor(2) as pool:
        storing = pool.submit(old.store, first)
        assert gates[0].arrived.wait(30)
        second = begun_again(rooms, first)
        analysis = rooms.steps.validate(second)["analysis"]
        storing_again = pool.submit(new.store, second)
        assert gates[1].arrived.wait(30)
        ahead, behind = gates if winner == "the cancelled run" else reversed(gates)
        if loser_has == "copied":
            behind.may_copy.set()
            assert behind.copied.wait(30)
        ahead.may_copy.set()
        ahead.may_commit.set()
        (storing if ahead is gates[0] else storing_again).result(30)
        behind.may_copy.set()
        behind.may_commit.set()
        assert storing.result(30) == storing_again.result(30)
    upload = upload_of(rooms, rooms.run(second).track_id)
    assert upload.state is UploadState.STORED
    assert not rooms.intake.files.of(upload.id).exists()
    assert ready(rooms, second, analysis) is TrackState.READY
    assert kinds_of(rooms, rooms.run(second).track_id).count("upload.stored") == 1


@pytest.mark.parametrize("loser_has", ["copied", "not copied"])
def test_a_run_whose_file_another_run_promotes_is_queued_all_the_same(
    rooms: Rooms, tmp_path: Path, loser_has: str
) -> None:
    first = rooms.receive(write_music(tmp_path / "a.wav"))
    gate = Gate(rooms.library)
    with ThreadPoolExecutor(1) as pool:
        second = begun_again(rooms, first)
        promoting = pool.submit(replace(rooms.steps.promotion, library=gate).promote, second)
        assert gate.arrived.wait(30)
        if loser_has == "copied":
            gate.may_copy.set()
            assert gate.copied.wait(30)
        upload, track = upload_of(rooms, rooms.run(first).track_id), rooms.run(first).track_id
        rooms.steps.promotion.move(upload, rooms.track(track), then_queue=first)
        gate.may_copy.set()
        gate.may_commit.set()
        assert promoting.result(30) == {}
    assert rooms.durable.ended([second]) == set()
    assert rooms.go_through(second).state is TrackState.READY


def test_a_file_that_leaves_while_it_is_examined_is_examined_where_it_went(
    rooms: Rooms, tmp_path: Path
) -> None:
    first = rooms.receive(write_music(tmp_path / "a.wav"))
    track = rooms.track(rooms.run(first).track_id)
    upload = upload_of(rooms, track.id)

    moved = []

    def move() -> None:
        if not moved:
            moved.append(rooms.steps.promotion.move(upload, track))

    engine = LateEngine(rooms.steps.engine, move)
    Steps(**_fields(rooms.steps) | {"engine": engine}).validate(first)
    assert upload_of(rooms, track.id).state is UploadState.STORED
    assert rooms.go_through(first).state is TrackState.READY


def test_what_was_copied_for_nothing_is_known_to_the_collector(
    rooms: Rooms, tmp_path: Path
) -> None:
    first = rooms.receive(write_music(tmp_path / "a.wav"))
    track = rooms.track(rooms.run(first).track_id)
    upload = upload_of(rooms, track.id)
    gate = Gate(rooms.library)
    with ThreadPoolExecutor(1) as pool:
        moving = pool.submit(replace(rooms.steps.promotion, library=gate).move, upload, track)
        gate.may_copy.set()
        assert gate.copied.wait(30)
        with rooms.database.write() as connection:
            uploads.let_go(connection, upload, UploadState.DISCARDED, "discarded")
        gate.may_commit.set()
        with pytest.raises(FailedError) as caught:
            moving.result(30)
    assert caught.value.code is FailedCode.SOURCE_MISSING
    with rooms.database.read() as connection:
        assert set(connection.execute(sa.select(objects.c.sha256)).scalars()) == rooms.objects()
    assert len(rooms.objects()) == 1


def test_twins_that_are_stored_before_they_are_examined_find_each_other(
    rooms: Rooms, tmp_path: Path
) -> None:
    path = write_music(tmp_path / "a.wav")
    run_ids = [rooms.receive(path) for _ in range(3)]
    for run_id in run_ids:
        rooms.steps.promotion.promote(run_id)
    first, second, third = (rooms.go_through(run_id) for run_id in run_ids)
    assert first.duplicate_of is None
    assert (second.duplicate_of, third.duplicate_of) == (first.id, first.id)
    # Examined again, none is tied to what came after it.
    rooms.pipeline.delete(third.id, LOCAL_USER_ID)
    assert kinds_of(rooms, first.id).count("track.duplicate") == 0


def test_of_twins_examined_at_the_same_moment_one_is_tied_to_the_other(
    rooms: Rooms, tmp_path: Path
) -> None:
    path = write_music(tmp_path / "a.wav")
    run_ids = [rooms.receive(path) for _ in range(2)]
    for run_id in run_ids:
        rooms.steps.promotion.promote(run_id)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(rooms.steps.validate, run_ids))
    tied = [rooms.track(rooms.run(run_id).track_id).duplicate_of for run_id in run_ids]
    assert len([one for one in tied if one]) == 1


@pytest.mark.parametrize("step", ["validate", "promote"])
def test_a_run_that_begins_on_a_disk_that_is_away_waits_for_it(
    rooms: Rooms, tmp_path: Path, step: str
) -> None:
    run_id = rooms.receive(write_music(tmp_path / "a.wav", seconds=0.5))
    root, away = rooms.intake.volume.root, tmp_path / "away"
    root.rename(away)
    root.mkdir()
    begin = rooms.steps.validate if step == "validate" else rooms.steps.promotion.promote
    with pytest.raises(FailedError) as caught:
        begin(run_id)
    assert caught.value.code is FailedCode.VOLUME_MISSING
    root.rmdir()
    away.rename(root)
    assert rooms.go_through(run_id).state is TrackState.READY


def _fields(steps: Steps) -> dict[str, Any]:
    return {name: getattr(steps, name) for name in steps.__dataclass_fields__}
