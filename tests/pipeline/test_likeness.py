"""A track that sounds like an older one of the same owner says so, on both sides."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.pipeline.conftest import Rooms
from tests.recordings import write_melody

from sarau.catalog import insights, tracks
from sarau.model.lifecycle import TrackState
from sarau.pipeline import caretaker
from sarau.web.api.tracks import describe


def test_the_same_recording_is_noticed_and_another_is_not(rooms: Rooms, tmp_path: Path) -> None:
    made = [
        rooms.go_through(rooms.receive(path))
        for path in (
            write_melody(tmp_path / "master.wav", seed=1),
            write_melody(tmp_path / "other.wav", seed=2),
            write_melody(tmp_path / "late and soft.wav", seed=1, skip_s=4.2, gain=0.3),
        )
    ]
    with rooms.database.read() as connection:
        master, other, late = describe(connection, made, "en")
        report = insights.report(connection, made[0].id)
    assert other.sounds_like == []
    (found,) = late.sounds_like
    assert (found.track_id, found.title) == (master.id, "master")
    assert found.score > 0.75
    assert found.offset_s == pytest.approx(4.2, abs=0.1)
    assert found.matched_s > 12
    (back,) = master.sounds_like
    assert (back.track_id, back.offset_s) == (late.id, -found.offset_s)
    assert report is not None
    assert "fingerprint" not in report


def test_a_run_that_comes_again_says_nothing_twice(rooms: Rooms, tmp_path: Path) -> None:
    rooms.go_through(rooms.receive(write_melody(tmp_path / "one.wav", seed=1)))
    run_id = rooms.receive(write_melody(tmp_path / "two.wav", seed=1, gain=0.5))
    rooms.steps.validate(run_id)
    track = rooms.go_through(run_id)
    with rooms.database.read() as connection:
        (view,) = describe(connection, [track], "pt-BR")
    assert len(view.sounds_like) == 1


def test_what_was_deleted_is_forgotten_with_its_bytes(
    rooms: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = (
        rooms.go_through(rooms.receive(write_melody(tmp_path / f"{gain}.wav", 1, gain=gain)))
        for gain in (1.0, 0.5)
    )
    with rooms.database.write() as connection:
        tracks.change_state(connection, old, TrackState.DELETED)
    monkeypatch.setattr(caretaker, "_KEEP_DELETED", timedelta(0))
    rooms.caretaker.purge_deleted()
    with rooms.database.read() as connection:
        for table in ("fingerprints", "fingerprint_marks", "likenesses"):
            rows = connection.exec_driver_sql(
                f"SELECT count(*) FROM {table} WHERE track_id = '{old.id}'"
            )
            assert rows.scalar_one() == 0
        (view,) = describe(connection, [new], "en")
    assert view.sounds_like == []
