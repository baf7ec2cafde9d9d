from datetime import timedelta
from pathlib import Path

import pytest
from tests.pipeline.conftest import Rooms
from tests.sounds import write_music

from sarau.catalog import events, objects
from sarau.pipeline import scrub
from sarau.pipeline.scrub import Scrub


@pytest.fixture
def due(rooms: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A stored source and its rendition, both due to be read."""
    rooms.go_through(rooms.receive(write_music(tmp_path / "a.wav")))
    monkeypatch.setattr(scrub, "_EVERY", timedelta(0))
    return [rooms.library.path_of(sha256) for sha256 in sorted(rooms.objects())]


def _kinds(rooms: Rooms) -> list[str]:
    with rooms.database.read() as connection:
        return [event.kind for event in events.after(connection, 0)]


def test_sound_objects_are_read_and_the_pass_is_recorded(
    rooms: Rooms, due: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Scrub(rooms.database, rooms.library)
    found.go_on()
    monkeypatch.setattr(scrub, "_EVERY", timedelta(days=1))
    found.go_on()
    assert _kinds(rooms)[-1] == "library.scrubbed"
    with rooms.database.read() as connection:
        assert events.after(connection, 0)[-1].data == {"objects": len(due), "damaged": 0}
        assert objects.count_damaged(connection) == 0


@pytest.mark.parametrize("how", ["rotten", "missing"])
def test_a_damaged_object_is_recorded_once_and_never_removed_from_the_catalog(
    rooms: Rooms, due: list[Path], how: str
) -> None:
    victim = due[0]
    if how == "rotten":
        victim.chmod(0o644)
        victim.write_bytes(victim.read_bytes()[:-1] + b"?")
    else:
        victim.unlink()
    found = Scrub(rooms.database, rooms.library)
    found.go_on()
    found.go_on()
    assert _kinds(rooms).count("object.damaged") == 1
    with rooms.database.read() as connection:
        assert objects.count_damaged(connection) == 1
        assert not objects.is_unreferenced(connection, victim.name)


def test_a_round_reads_no_more_than_its_share(
    rooms: Rooms, due: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(due) == 2
    monkeypatch.setattr(scrub, "_ROUND_BYTES", 1)
    Scrub(rooms.database, rooms.library).go_on()
    with rooms.database.engine.connect() as connection:
        verified = connection.exec_driver_sql(
            "SELECT count(*) FROM objects WHERE verified_at IS NOT NULL"
        ).scalar_one()
    assert verified == 1
