from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.pipeline.conftest import Rooms
from tests.sounds import write_music

from sarau.catalog import events, object_lock, objects
from sarau.errors import FailedError
from sarau.library import DiskLibrary
from sarau.model.clock import now
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


def _verified(rooms: Rooms) -> int:
    """Return how many objects were found sound."""
    with rooms.database.engine.connect() as connection:
        found: int = connection.exec_driver_sql(
            "SELECT count(*) FROM objects WHERE verified_at IS NOT NULL"
        ).scalar_one()
    return found


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


@pytest.mark.parametrize("how", ["rotten", "missing", "unreadable"])
def test_a_damaged_object_is_recorded_once_and_never_removed_from_the_catalog(
    rooms: Rooms, due: list[Path], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = due[0]
    if how == "rotten":
        victim.chmod(0o644)
        victim.write_bytes(victim.read_bytes()[:-1] + b"?")
    else:
        victim.unlink()
    if how == "unreadable":
        # Nothing is mapped at the start of a process's memory: reading there is an EIO.
        victim.symlink_to("/proc/self/mem")
    found = Scrub(rooms.database, rooms.library)
    found.go_on()
    assert _verified(rooms) == len(due) - 1
    monkeypatch.setattr(scrub, "_DAMAGED_EVERY", timedelta(0))
    found.go_on()
    assert _kinds(rooms).count("object.damaged") == 1
    with rooms.database.read() as connection:
        assert objects.count_damaged(connection) == 1
        assert not objects.is_unreferenced(connection, victim.name)


@pytest.mark.parametrize("collector", ["is at it", "was faster"])
def test_what_the_collector_removes_is_not_damaged(
    rooms: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, collector: str
) -> None:
    monkeypatch.setattr(scrub, "_EVERY", timedelta(0))
    ref = rooms.library.put(write_music(tmp_path / "a.wav", seconds=0.5))
    victim = ref.sha256
    with rooms.database.write() as connection:
        objects.add(connection, victim, ref.size_bytes)

    class Collected(DiskLibrary):
        def verify(self, sha256: str) -> bool:
            self.remove(victim)
            if collector == "was faster":
                with rooms.database.write() as connection:
                    objects.remove(connection, victim)
            return super().verify(sha256)

    found = Scrub(rooms.database, Collected(rooms.library.volume))
    with ExitStack() as stack:
        if collector == "is at it":
            stack.enter_context(object_lock.collecting(rooms.database, victim))
        found.go_on()
    assert found._damaged == 0
    assert "object.damaged" not in _kinds(rooms)


@pytest.mark.parametrize("how", ["missing", "unreadable"])
def test_where_the_library_is_away_no_object_is_damaged(
    rooms: Rooms, due: list[Path], how: str
) -> None:
    rooms.library.volume.path(".sarau-volume").unlink()
    for path in due:
        path.unlink()
        if how == "unreadable":
            path.symlink_to("/proc/self/mem")
    with pytest.raises(FailedError):
        Scrub(rooms.database, rooms.library).go_on()
    with rooms.database.read() as connection:
        assert objects.count_damaged(connection) == 0
    assert _verified(rooms) == 0


def test_a_full_library_is_read_all_the_same(rooms: Rooms, due: list[Path]) -> None:
    due[0].unlink()
    rooms.library.volume.reserve_bytes = 1 << 60
    Scrub(rooms.database, rooms.library).go_on()
    with rooms.database.read() as connection:
        assert objects.count_damaged(connection) == 1
    assert _verified(rooms) == len(due) - 1


def test_a_damaged_object_that_was_restored_is_read_again_and_the_mark_is_gone(
    rooms: Rooms, due: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    victim, whole = due[0], due[0].read_bytes()
    victim.unlink()
    found = Scrub(rooms.database, rooms.library)
    found.go_on()
    victim.write_bytes(whole)
    found.go_on()
    with rooms.database.read() as connection:
        assert objects.count_damaged(connection) == 1  # it was looked at a moment ago
    monkeypatch.setattr(scrub, "_DAMAGED_EVERY", timedelta(0))
    found.go_on()
    with rooms.database.read() as connection:
        assert objects.count_damaged(connection) == 0
        assert objects.is_sound(connection, victim.name)
        told = [event for event in events.after(connection, 0) if event.kind == "object.restored"]
    assert [event.data for event in told] == [{"sha256": victim.name, "size_bytes": len(whole)}]


def test_what_is_due_is_found_without_reading_every_row(rooms: Rooms) -> None:
    if rooms.database.engine.dialect.name != "sqlite":
        return
    with rooms.database.read() as connection:
        plans: list[str] = []

        @sa.event.listens_for(connection, "before_cursor_execute")
        def explain(_c: Any, cursor: Any, statement: str, given: Any, *_more: Any) -> None:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", given)
            plans.extend(row[3] for row in cursor.fetchall())

        objects.due(connection, before=now(), damaged_before=now(), limit=100)
        objects.unreferenced(connection, before=now(), limit=100)
    assert [plan for plan in plans if "objects" in plan] == [
        plan for plan in plans if "SEARCH objects USING" in plan
    ]
    assert len(plans) > 4
    assert not [plan for plan in plans if "TEMP B-TREE" in plan]


def test_a_round_reads_no_more_than_its_share(
    rooms: Rooms, due: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(due) == 2
    monkeypatch.setattr(scrub, "_ROUND_BYTES", 1)
    Scrub(rooms.database, rooms.library).go_on()
    assert _verified(rooms) == 1
