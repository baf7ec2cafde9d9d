"""What the caretaker removes, and what it must never remove."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.pipeline.conftest import Rooms
from tests.sounds import write_music

from sarau.catalog import figures, objects, runs, sources, tables, tracks, uploads
from sarau.errors import FailedCode, FailedError, RejectedCode
from sarau.model.clock import now
from sarau.model.ids import LOCAL_USER_ID, RunId, TrackId, new_id
from sarau.model.lifecycle import TrackState, UploadState
from sarau.pipeline import caretaker
from sarau.pipeline.outcome import Outcome
from sarau.pipeline.runner import fail, reject


@pytest.fixture
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deleted things need not rest for a day."""
    monkeypatch.setattr(caretaker, "_KEEP_DELETED", timedelta(0))


@pytest.mark.usefixtures("no_rest")
def test_what_a_track_needs_is_never_collected(rooms: Rooms, tmp_path: Path) -> None:
    rooms.go_through(rooms.receive(write_music(tmp_path / "a.wav")))
    before = rooms.objects()
    rooms.caretaker.purge_deleted()
    rooms.caretaker.collect()
    assert rooms.objects() == before
    assert len(before) == 2


@pytest.mark.usefixtures("no_rest")
def test_bytes_of_a_deleted_track_go_unless_another_has_the_same(
    rooms: Rooms, tmp_path: Path
) -> None:
    path = write_music(tmp_path / "a.wav")
    first = rooms.go_through(rooms.receive(path))
    second = rooms.go_through(rooms.receive(path))
    before = rooms.objects()
    rooms.pipeline.delete(first.id, LOCAL_USER_ID)
    rooms.caretaker.purge_deleted()
    rooms.caretaker.collect()
    assert rooms.objects() == before
    rooms.pipeline.delete(second.id, LOCAL_USER_ID)
    rooms.caretaker.purge_deleted()
    rooms.caretaker.collect()
    assert rooms.objects() == set()


@pytest.mark.usefixtures("no_rest")
def test_what_is_not_removed_from_a_library_that_is_away_is_removed_later(
    rooms: Rooms, tmp_path: Path
) -> None:
    track = rooms.go_through(rooms.receive(write_music(tmp_path / "a.wav", seconds=0.5)))
    rooms.pipeline.delete(track.id, LOCAL_USER_ID)
    rooms.caretaker.purge_deleted()
    root, away = rooms.library.volume.root, tmp_path / "away"
    root.rename(away)
    root.mkdir()
    with pytest.raises(FailedError) as caught:
        rooms.caretaker.collect()
    assert caught.value.code is FailedCode.VOLUME_MISSING
    root.rmdir()
    away.rename(root)
    rooms.caretaker.collect()
    assert rooms.objects() == set()


@pytest.mark.usefixtures("no_rest")
def test_a_track_rejected_after_it_was_stored_lets_go_of_its_source(
    rooms: Rooms, tmp_path: Path
) -> None:
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    rooms.steps.validate(run_id)
    rooms.steps.store(run_id)
    assert len(rooms.objects()) == 1
    reject(rooms.database, rooms.intake, run_id, Outcome("rejected", {}, RejectedCode.INFECTED))
    rooms.caretaker.collect()
    assert rooms.objects() == set()
    track = rooms.track(rooms.run(run_id).track_id)
    assert track.state is TrackState.REJECTED
    with rooms.database.read() as connection:
        assert sources.find(connection, [track.id])[track.id].duration_s > 0


@pytest.mark.usefixtures("no_rest")
def test_objects_are_looked_at_a_page_at_a_time_and_none_is_passed_over(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caretaker, "_PAGE", 3)
    with rooms.database.write() as connection:
        for number in range(10):
            objects.add(connection, f"{number:064x}", 1)
    left = []
    for _ in range(4):
        rooms.caretaker.collect()
        with rooms.database.read() as connection:
            left.append(figures.read(connection).objects)
    assert left == [7, 4, 1, 0]
    with rooms.database.write() as connection:
        objects.add(connection, "0" * 64, 1)
    rooms.caretaker.collect()
    with rooms.database.read() as connection:
        assert figures.read(connection).objects == 0


def test_the_intake_is_mended_while_the_server_runs(
    rooms: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    with rooms.database.write() as connection:
        upload = uploads.of_track(connection, rooms.run(run_id).track_id)
        assert upload
        uploads.let_go(connection, upload, UploadState.STORED, "stored")
    file = rooms.intake.files.of(upload.id)
    rooms.caretaker.recover_intake()
    assert file.exists()  # it was looked at when this process started
    monkeypatch.setattr(caretaker, "_RECOVER_EVERY_S", 0.0)
    rooms.caretaker.recover_intake()
    assert not file.exists()


def test_a_deleted_tracks_bytes_rest_for_a_day(rooms: Rooms, tmp_path: Path) -> None:
    track = rooms.go_through(rooms.receive(write_music(tmp_path / "a.wav")))
    before = rooms.objects()
    rooms.pipeline.delete(track.id, LOCAL_USER_ID)
    rooms.caretaker.purge_deleted()
    rooms.caretaker.collect()
    assert rooms.objects() == before


@pytest.mark.usefixtures("no_rest")
def test_a_track_deleted_while_it_waits_leaves_nothing(rooms: Rooms, tmp_path: Path) -> None:
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    rooms.pipeline.delete(rooms.run(run_id).track_id, LOCAL_USER_ID)
    rooms.caretaker.purge_deleted()
    assert list(rooms.intake.volume.path().rglob("*.wav")) == []
    assert rooms.intake.recover().removed == 0
    assert rooms.objects() == set()


def test_what_was_purged_is_not_looked_at_again(
    rooms: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caretaker, "_BATCH", 2)
    gone = []
    for seed in range(5):
        run_id = rooms.receive(write_music(tmp_path / f"{seed}.wav", seconds=0.5, seed=seed))
        gone.append(rooms.run(run_id).track_id)
        rooms.pipeline.delete(gone[-1], LOCAL_USER_ID)

    def unpurged() -> list[TrackId]:
        with rooms.database.read() as connection:
            return tracks.deleted_before(connection, now() - caretaker._KEEP_DELETED, limit=10)

    rooms.caretaker.purge_deleted()
    assert unpurged() == []  # deleted just now
    monkeypatch.setattr(caretaker, "_KEEP_DELETED", timedelta(0))
    for left in (3, 1, 0):
        rooms.caretaker.purge_deleted()
        assert unpurged() == gone[5 - left :]
    assert list(rooms.intake.volume.path().rglob("*.wav")) == []


@pytest.mark.usefixtures("no_rest")
def test_an_object_collected_meanwhile_is_not_published(rooms: Rooms, tmp_path: Path) -> None:
    """The collector wins between "stored" and "published": then publishing fails, not lies."""
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    analysis = rooms.steps.validate(run_id)["analysis"]
    rooms.steps.store(run_id)
    made = rooms.steps.render(run_id, analysis)["renditions"]
    with rooms.database.write() as connection:
        objects.add(connection, made[0]["sha256"], made[0]["size_bytes"])
    rooms.caretaker.collect()
    with pytest.raises(Exception, match="object_missing"):
        rooms.steps.publish(run_id, made)
    assert rooms.track(rooms.run(run_id).track_id).state is TrackState.PROCESSING


def test_an_object_that_is_made_again_is_spared_until_it_is_shown(
    rooms: Rooms, tmp_path: Path
) -> None:
    """What was of no use for days is made again: the collector must not cost that run a try."""
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    analysis = rooms.steps.validate(run_id)["analysis"]
    rooms.steps.store(run_id)
    (first,) = rooms.steps.render(run_id, analysis)["renditions"]
    long_ago = now() - 2 * caretaker._KEEP_DELETED
    with rooms.database.write() as connection:
        connection.execute(sa.update(tables.objects).values(stored_at=long_ago))
    (again,) = rooms.steps.render(run_id, analysis)["renditions"]
    assert again["sha256"] == first["sha256"]
    rooms.caretaker.collect()
    rooms.caretaker._collect(again["sha256"])  # it had been listed before
    rooms.steps.publish(run_id, [again])
    assert rooms.track(rooms.run(run_id).track_id).state is TrackState.READY


def test_work_of_runs_that_are_over_is_cleaned_and_of_open_ones_is_not(
    rooms: Rooms, tmp_path: Path
) -> None:
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    rooms.library.make_work_dir(run_id)
    rooms.library.make_work_dir(new_id())
    rooms.caretaker.clean_work()
    assert rooms.library.work_dirs() == [run_id]


def test_work_of_a_run_that_was_just_cancelled_is_left_to_its_worker_for_a_while(
    rooms: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    rooms.library.make_work_dir(f"{run_id}.{new_id()}")
    rooms.pipeline.cancel(rooms.run(run_id).track_id, LOCAL_USER_ID)
    rooms.caretaker.clean_work()
    assert len(rooms.library.work_dirs()) == 1
    monkeypatch.setattr(caretaker, "_NOTICED", timedelta(0))
    rooms.caretaker.clean_work()
    assert rooms.library.work_dirs() == []


def test_failures_that_may_have_passed_are_retried_and_others_are_not(
    rooms: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caretaker, "_FIRST_DELAY", timedelta(0))
    full = rooms.receive(write_music(tmp_path / "a.wav"))
    odd = rooms.receive(write_music(tmp_path / "b.wav", seed=2))
    late = rooms.receive(write_music(tmp_path / "c.wav", seed=3))
    other_disk = rooms.receive(write_music(tmp_path / "d.wav", seed=4))
    fail(rooms.database, full, FailedCode.DISK_FULL, "test")
    fail(rooms.database, odd, FailedCode.SOURCE_DAMAGED, "test")
    fail(rooms.database, late, FailedCode.OBJECT_MISSING, "the collector was faster")
    fail(rooms.database, other_disk, FailedCode.VOLUME_MISMATCH, "test")
    rooms.caretaker.retry_failed()
    for again in (full, late, other_disk):
        assert rooms.track(rooms.run(again).track_id).state is TrackState.RECEIVED
    assert rooms.track(rooms.run(odd).track_id).state is TrackState.FAILED


def test_an_outage_of_a_place_may_last_as_long_as_it_likes(rooms: Rooms, tmp_path: Path) -> None:
    full, lost = (
        rooms.receive(write_music(tmp_path / f"{seed}.wav", seconds=0.5, seed=seed))
        for seed in range(2)
    )
    fail(rooms.database, full, FailedCode.DISK_FULL, "test")
    fail(rooms.database, lost, FailedCode.WORKER_LOST, "test")
    _say_it_ended(rooms, [full, lost], before=timedelta(minutes=61), attempt=20)
    rooms.library.volume.reserve_bytes = 1 << 60
    rooms.caretaker.retry_failed()
    assert rooms.track(rooms.run(full).track_id).state is TrackState.FAILED
    rooms.library.volume.reserve_bytes = 0
    rooms.caretaker.retry_failed()
    assert rooms.track(rooms.run(full).track_id).state is TrackState.RECEIVED
    assert rooms.track(rooms.run(lost).track_id).state is TrackState.FAILED


def test_what_is_not_due_keeps_nobody_waiting(
    rooms: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caretaker, "_BATCH", 2)
    *rest, fresh = [
        rooms.receive(write_music(tmp_path / f"{seed}.wav", seconds=0.5, seed=seed))
        for seed in range(4)
    ]
    for run_id in (*rest, fresh):
        fail(rooms.database, run_id, FailedCode.DISK_FULL, "test")
    _say_it_ended(rooms, rest, before=timedelta(minutes=31), attempt=8)
    _say_it_ended(rooms, [fresh], before=timedelta(seconds=14), attempt=1)
    rooms.caretaker.retry_failed()
    assert {rooms.track(rooms.run(one).track_id).state for one in (*rest, fresh)} == {
        TrackState.FAILED
    }
    _say_it_ended(rooms, [fresh], before=timedelta(seconds=16), attempt=1)
    rooms.caretaker.retry_failed()
    assert [rooms.track(rooms.run(one).track_id).state for one in (*rest, fresh)] == [
        *[TrackState.FAILED] * 3,
        TrackState.RECEIVED,
    ]


def test_what_cannot_be_tried_again_keeps_nobody_waiting_for_ever(
    rooms: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caretaker, "_BATCH", 2)
    monkeypatch.setattr(caretaker, "_FIRST_DELAY", timedelta(0))
    *hopeless, fresh = [
        rooms.receive(write_music(tmp_path / f"{seed}.wav", seconds=0.5, seed=seed))
        for seed in range(4)
    ]
    for run_id in (*hopeless, fresh):
        fail(rooms.database, run_id, FailedCode.DISK_FULL, "test")
    with rooms.database.write() as connection:
        for run_id in hopeless:
            upload = uploads.of_track(connection, rooms.run(run_id).track_id)
            assert upload
            uploads.let_go(connection, upload, UploadState.DAMAGED, "damaged")
    rooms.caretaker.retry_failed()
    rooms.caretaker.retry_failed()
    assert rooms.track(rooms.run(fresh).track_id).state is TrackState.RECEIVED
    # And from the start again.
    rooms.caretaker.retry_failed()
    assert {rooms.track(rooms.run(one).track_id).state for one in hopeless} == {TrackState.FAILED}


def _say_it_ended(
    rooms: Rooms, run_ids: Sequence[RunId], *, before: timedelta, attempt: int
) -> None:
    mine = tables.runs.c.id.in_(run_ids)
    with rooms.database.write() as connection:
        ended = {"finished_at": now() - before, "attempt": attempt}
        connection.execute(sa.update(tables.runs).where(mine).values(ended))


def test_a_run_that_nobody_will_finish_is_failed_and_begins_again_later(
    rooms: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caretaker, "_EVERY_S", 0.0)
    lost = rooms.receive(write_music(tmp_path / "a.wav"))
    waiting = rooms.receive(write_music(tmp_path / "b.wav", seed=2))
    rooms.durable.cancel(lost)
    rooms.caretaker.close_strays()
    assert rooms.track(rooms.run(lost).track_id).code == "worker_lost"
    with rooms.database.read() as connection:
        assert runs.is_open(connection, waiting)
    # Whoever killed its workers may have stopped.
    monkeypatch.setattr(caretaker, "_FIRST_DELAY", timedelta(0))
    rooms.caretaker.retry_failed()
    assert rooms.track(rooms.run(lost).track_id).state is TrackState.RECEIVED


@pytest.mark.parametrize("queued_at_once", [False, True])
def test_what_waits_is_looked_at_a_page_at_a_time_and_then_from_the_start(
    rooms: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, queued_at_once: bool
) -> None:
    monkeypatch.setattr(caretaker, "_EVERY_S", 0.0)
    monkeypatch.setattr(caretaker, "_BATCH", 2)
    waiting = [
        rooms.receive(write_music(tmp_path / f"{seed}.wav", seconds=0.5, seed=seed))
        for seed in range(5)
    ]
    if queued_at_once:
        waiting.sort()
        with rooms.database.write() as connection:
            connection.execute(sa.update(tables.runs).values(created_at=now()))

    def is_lost(number: int) -> bool:
        return rooms.track(rooms.run(waiting[number]).track_id).code == "worker_lost"

    rooms.durable.cancel(waiting[4])
    for _ in range(2):
        rooms.caretaker.close_strays()
        assert not is_lost(4)
    rooms.caretaker.close_strays()
    assert is_lost(4)
    rooms.durable.cancel(waiting[0])
    rooms.caretaker.close_strays()
    assert is_lost(0)
    assert not any(is_lost(number) for number in (1, 2, 3))


def test_what_was_queued_just_now_is_nobodys_stray(
    rooms: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caretaker, "_EVERY_S", 3600.0)
    lost = rooms.receive(write_music(tmp_path / "a.wav", seconds=0.5))
    rooms.durable.cancel(lost)
    rooms.caretaker.close_strays()
    assert rooms.track(rooms.run(lost).track_id).state is TrackState.RECEIVED
    monkeypatch.setattr(caretaker, "_EVERY_S", 0.0)
    rooms.caretaker.close_strays()
    assert rooms.track(rooms.run(lost).track_id).code == "worker_lost"
