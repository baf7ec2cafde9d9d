"""A track is deleted with its run, whatever happens to either at the same moment."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.pipeline.conftest import Rooms
from tests.sounds import write_music

from sarau.catalog import tables, turns
from sarau.errors import FailedCode, RefusedCode, RefusedError, RejectedCode
from sarau.intake import Description
from sarau.model.ids import LOCAL_USER_ID, RunId, TrackId
from sarau.model.lifecycle import RunState, TrackState
from sarau.pipeline import caretaker
from sarau.pipeline.outcome import Outcome
from sarau.pipeline.runner import fail, reject


def _receive(rooms: Rooms, path: Path, seed: int = 1) -> tuple[RunId, TrackId]:
    run_id = rooms.receive(write_music(path / f"{seed}.wav", seconds=0.5, seed=seed))
    return run_id, rooms.run(run_id).track_id


def _state(rooms: Rooms, track_id: TrackId) -> str:
    query = sa.select(tables.tracks.c.state).where(tables.tracks.c.id == track_id)
    with rooms.database.read() as connection:
        return str(connection.execute(query).scalar_one())


def _is_anybody_waiting(rooms: Rooms) -> bool:
    with rooms.database.read() as connection:
        return turns.is_anybody_waiting(connection)


def _delete_without_its_run(rooms: Rooms, track_id: TrackId) -> None:
    """Leave what older versions could leave."""
    mine = tables.tracks.c.id == track_id
    with rooms.database.write() as connection:
        connection.execute(sa.update(tables.tracks).where(mine).values(state=TrackState.DELETED))


@pytest.fixture
def just_before_it_writes(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], object]], None]:
    """Have something done between what is read and the first that is written afterwards."""

    def arrange(meanwhile: Callable[[], object]) -> None:
        write = rooms.database.write

        def then_write() -> AbstractContextManager[sa.Connection]:
            monkeypatch.setattr(rooms.database, "write", write)
            meanwhile()
            return write()

        monkeypatch.setattr(rooms.database, "write", then_write)

    return arrange


def test_a_track_that_is_tried_again_as_it_is_deleted_leaves_no_open_run(
    rooms: Rooms,
    tmp_path: Path,
    just_before_it_writes: Callable[[Callable[[], object]], None],
) -> None:
    run_id, track_id = _receive(rooms, tmp_path)
    fail(rooms.database, run_id, FailedCode.DISK_FULL, "test")
    just_before_it_writes(lambda: rooms.pipeline.retry(track_id, LOCAL_USER_ID))
    rooms.pipeline.delete(track_id, LOCAL_USER_ID)
    assert _state(rooms, track_id) == "deleted"
    assert not _is_anybody_waiting(rooms)
    query = sa.select(tables.runs.c.id).where(tables.runs.c.id != run_id)
    with rooms.database.read() as connection:
        again = RunId(connection.execute(query).scalar_one())
    assert rooms.run(again).state is RunState.CANCELLED
    assert rooms.durable.ended([again]) == {again}


def test_a_track_whose_run_ends_as_it_is_deleted_is_deleted(
    rooms: Rooms,
    tmp_path: Path,
    just_before_it_writes: Callable[[Callable[[], object]], None],
) -> None:
    run_id, track_id = _receive(rooms, tmp_path)
    just_before_it_writes(lambda: fail(rooms.database, run_id, FailedCode.INTERNAL, "test"))
    rooms.pipeline.delete(track_id, LOCAL_USER_ID)
    assert _state(rooms, track_id) == "deleted"
    assert rooms.run(run_id).state is RunState.FAILED


def test_an_upload_that_becomes_whole_as_its_track_is_deleted_goes_with_it(
    rooms: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_music(tmp_path / "a.wav", seconds=0.5).read_bytes()
    upload = rooms.intake.create(
        owner_id=LOCAL_USER_ID,
        description=Description(filename="a.wav", preset="archive"),
        size_bytes=len(data),
    )
    assert upload.track_id
    terminate = rooms.intake.terminate

    def too_late(*given: object) -> None:
        appender = rooms.intake.append(upload.id, LOCAL_USER_ID)
        appender.write(data)
        appender.finish()
        appender.close()
        terminate(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(rooms.intake, "terminate", too_late)
    rooms.pipeline.delete(upload.track_id, LOCAL_USER_ID)
    assert _state(rooms, upload.track_id) == "deleted"
    assert not _is_anybody_waiting(rooms)


def test_a_run_whose_track_was_deleted_can_be_closed(rooms: Rooms, tmp_path: Path) -> None:
    (failed, first), (rejected, second) = (_receive(rooms, tmp_path, seed) for seed in (1, 2))
    for track_id in (first, second):
        _delete_without_its_run(rooms, track_id)
    fail(rooms.database, failed, FailedCode.INTERNAL, "test")
    reject(rooms.database, rooms.intake, rejected, Outcome("rejected", {}, RejectedCode.INFECTED))
    assert rooms.run(failed).state is RunState.FAILED
    assert rooms.run(rejected).state is RunState.REJECTED
    assert [_state(rooms, one) for one in (first, second)] == ["deleted", "deleted"]


def test_a_run_whose_track_was_deleted_is_closed_instead_of_begun_again(
    rooms: Rooms, tmp_path: Path
) -> None:
    run_id, track_id = _receive(rooms, tmp_path)
    _delete_without_its_run(rooms, track_id)
    assert not rooms.pipeline.begin_again(run_id)
    assert rooms.run(run_id).state is RunState.CANCELLED
    assert not _is_anybody_waiting(rooms)


def test_one_stray_that_cannot_be_looked_after_keeps_no_other_waiting(
    rooms: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caretaker, "_EVERY_S", 0.0)
    odd, stray, lost = (_receive(rooms, tmp_path, seed)[0] for seed in (1, 2, 3))
    for run_id in (odd, stray):
        rooms.durable.cancel(run_id)
    begun: list[RunId] = []

    def refuse_one(database: object, run_id: RunId, *more: object) -> None:
        if run_id == odd:
            raise RefusedError(RefusedCode.NOT_FOUND, "as if")
        fail(database, run_id, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(caretaker, "fail", refuse_one)
    monkeypatch.setattr(rooms.durable, "stranded", lambda _ids: {lost})
    monkeypatch.setattr(rooms.pipeline, "begin_again", begun.append)
    rooms.caretaker.close_strays()
    assert rooms.run(stray).state is RunState.FAILED
    assert rooms.run(odd).state is RunState.QUEUED
    assert begun == [lost]
