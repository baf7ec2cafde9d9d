import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from mutagen.id3 import TIT2
from mutagen.wave import WAVE
from tests.pipeline.conftest import LateEngine, Rooms
from tests.sounds import write_music

from sarau.catalog import events, renditions, tracks, uploads
from sarau.errors import CancelledRunError, FailedCode, FailedError, RejectedCode, RejectedError
from sarau.model.ids import LOCAL_USER_ID
from sarau.model.lifecycle import RunState, TrackState, UploadState
from sarau.pipeline.outcome import Outcome
from sarau.pipeline.runner import fail, reject


def test_every_step_may_be_called_twice(rooms: Rooms, tmp_path: Path) -> None:
    """A crash after a step's effect and before its checkpoint calls it again."""
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    rooms.steps.validate(run_id)
    analysis = rooms.steps.validate(run_id)["analysis"]
    assert rooms.steps.store(run_id) == rooms.steps.store(run_id)
    rooms.steps.render(run_id, analysis)
    made = rooms.steps.render(run_id, analysis)["renditions"]
    rooms.steps.publish(run_id, made)
    with pytest.raises(CancelledRunError):
        rooms.steps.publish(run_id, made)
    track = rooms.track(rooms.run(run_id).track_id)
    assert track.state is TrackState.READY
    with rooms.database.read() as connection:
        assert len(renditions.find(connection, [track.id])[track.id]) == 1
        kinds = [event.kind for event in events.of_track(connection, track.id)]
    assert kinds.count("track.ready") == 1
    assert kinds.count("upload.stored") == 1
    assert kinds.count("run.stage") == 5 + 3  # rendering again is told again


def test_two_at_work_on_a_run_leave_each_others_files_alone(rooms: Rooms, tmp_path: Path) -> None:
    """Who was given up and lives works beside its heir for a while."""
    run_id = rooms.receive(write_music(tmp_path / "a.wav", seconds=20))
    analysis = rooms.steps.validate(run_id)["analysis"]
    rooms.steps.store(run_id)
    together = Barrier(2)

    def render() -> list[str]:
        together.wait()
        return [one["sha256"] for one in rooms.steps.render(run_id, analysis)["renditions"]]

    with ThreadPoolExecutor(2) as pool:
        made = [one.result() for one in [pool.submit(render) for _ in range(2)]]
    assert made[0] == made[1]
    assert set(made[0]) < rooms.objects()
    assert rooms.library.work_dirs() == []


def test_the_source_is_on_e_before_it_leaves_d(rooms: Rooms, tmp_path: Path) -> None:
    path = write_music(tmp_path / "a.wav")
    run_id = rooms.receive(path)
    rooms.steps.validate(run_id)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert rooms.objects() == set()
    assert rooms.steps.store(run_id) == {"sha256": sha256}
    assert rooms.objects() == {sha256}
    with rooms.database.read() as connection:
        upload = uploads.of_track(connection, rooms.run(run_id).track_id)
    assert upload
    assert upload.state is UploadState.STORED
    assert not rooms.intake.files.of(upload.id).exists()


def test_a_file_that_rots_on_d_is_never_stored(rooms: Rooms, tmp_path: Path) -> None:
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    rooms.steps.validate(run_id)
    with rooms.database.read() as connection:
        upload = uploads.of_track(connection, rooms.run(run_id).track_id)
    assert upload
    file = rooms.intake.files.of(upload.id)
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(FailedError) as caught:
        rooms.steps.store(run_id)
    assert caught.value.code is FailedCode.SOURCE_DAMAGED
    assert rooms.objects() == set()


def test_a_rejected_file_leaves_a_record_and_no_bytes(rooms: Rooms, tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(b"no music")
    run_id = rooms.receive(path)
    with pytest.raises(RejectedError) as caught:
        rooms.steps.validate(run_id)
    assert caught.value.code is RejectedCode.NOT_AUDIO
    why = Outcome("rejected", {}, caught.value.code, caught.value.detail)
    reject(rooms.database, rooms.intake, run_id, why)
    reject(rooms.database, rooms.intake, run_id, why)  # again, as after a crash
    track = rooms.track(rooms.run(run_id).track_id)
    assert (track.state, track.code) == (TrackState.REJECTED, "not_audio")
    assert rooms.objects() == set()
    assert not [p for p in rooms.intake.volume.root.rglob("*") if p.is_file() and "0" in p.name]


def test_a_cancelled_run_enters_no_step(rooms: Rooms, tmp_path: Path) -> None:
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    rooms.pipeline.cancel(rooms.run(run_id).track_id, LOCAL_USER_ID)
    with pytest.raises(CancelledRunError):
        rooms.steps.validate(run_id)
    assert rooms.run(run_id).state is RunState.CANCELLED


def test_a_failed_track_keeps_its_bytes_and_is_retried(rooms: Rooms, tmp_path: Path) -> None:
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    track_id = rooms.run(run_id).track_id
    rooms.steps.validate(run_id)
    rooms.steps.store(run_id)
    fail(rooms.database, run_id, FailedCode.ENGINE_CRASHED, "test")
    assert rooms.track(track_id).state is TrackState.FAILED
    again = rooms.pipeline.retry(track_id, LOCAL_USER_ID)
    assert again.run_id
    assert again.run_id != run_id
    assert rooms.go_through(again.run_id).state is TrackState.READY


def test_titles_come_from_tags_unless_a_person_named_the_track(
    rooms: Rooms, tmp_path: Path
) -> None:
    run_id = rooms.receive(write_music(tmp_path / "take_7.wav"))
    assert rooms.go_through(run_id).title == "take_7"


def test_a_name_that_a_person_gives_while_the_track_is_examined_stays(
    rooms: Rooms, tmp_path: Path
) -> None:
    path = write_music(tmp_path / "take_7.wav", seconds=0.5)
    tagged = WAVE(path)
    tagged.add_tags()
    tagged["TIT2"] = TIT2(encoding=3, text="Untitled")
    tagged.save()
    run_id = rooms.receive(path)
    track = rooms.track(rooms.run(run_id).track_id)

    def name() -> None:
        with rooms.database.write() as connection:
            tracks.edit(connection, track, title="Corcovado", artist=None)

    replace(rooms.steps, engine=LateEngine(rooms.steps.engine, name)).validate(run_id)
    assert rooms.track(track.id).title == "Corcovado"


def test_the_same_bytes_again_are_tied_to_the_first_track(rooms: Rooms, tmp_path: Path) -> None:
    path = write_music(tmp_path / "a.wav")
    first = rooms.go_through(rooms.receive(path))
    second = rooms.go_through(rooms.receive(path))
    other = rooms.go_through(rooms.receive(write_music(tmp_path / "b.wav", seed=2)))
    assert (first.duplicate_of, second.duplicate_of) == (None, first.id)
    assert other.duplicate_of is None
    assert len(rooms.objects()) == 4
