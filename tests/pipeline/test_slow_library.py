"""A library that does not answer keeps nobody waiting who only wants the database."""

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.pipeline.conftest import Rooms
from tests.sounds import write_music

from sarau.intake import Description
from sarau.library import DiskLibrary
from sarau.model.ids import LOCAL_USER_ID
from sarau.model.lifecycle import TrackState, UploadState
from sarau.pipeline import Caretaker, caretaker


class SlowLibrary(DiskLibrary):
    """A library that is asked and does not answer until it is told to."""

    def __init__(self, like: DiskLibrary) -> None:
        super().__init__(like.volume)
        self.is_asked = threading.Event()
        self.may_answer = threading.Event()

    def require(self, sha256: str) -> None:
        self._wait()
        super().require(sha256)

    def remove(self, sha256: str) -> None:
        self._wait()
        super().remove(sha256)

    def _wait(self) -> None:
        self.is_asked.set()
        self.may_answer.wait()


@pytest.fixture
def slow(rooms: Rooms) -> Iterator[SlowLibrary]:
    made = SlowLibrary(rooms.library)
    yield made
    made.may_answer.set()


@pytest.fixture
def pool(slow: SlowLibrary) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as found:
        yield found
        slow.may_answer.set()


def test_uploads_are_acknowledged_while_a_track_waits_to_be_published(
    rooms: Rooms, slow: SlowLibrary, pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    analysis = rooms.steps.validate(run_id)["analysis"]
    rooms.steps.store(run_id)
    made = rooms.steps.render(run_id, analysis)["renditions"]
    publishing = pool.submit(replace(rooms.steps, library=slow).publish, run_id, made)
    slow.is_asked.wait()
    other = rooms.receive(write_music(tmp_path / "b.wav", seed=2))
    assert rooms.track(rooms.run(other).track_id).state is TrackState.RECEIVED
    slow.may_answer.set()
    publishing.result()
    assert rooms.track(rooms.run(run_id).track_id).state is TrackState.READY


def test_uploads_are_acknowledged_while_a_source_waits_to_be_stored(
    rooms: Rooms, slow: SlowLibrary, pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    rooms.steps.validate(run_id)
    storing = pool.submit(replace(rooms.steps, library=slow).store, run_id)
    slow.is_asked.wait()
    rooms.receive(write_music(tmp_path / "b.wav", seed=2))
    slow.may_answer.set()
    storing.result()


def test_nobody_who_needs_another_object_waits_while_the_collector_does(
    rooms: Rooms,
    slow: SlowLibrary,
    pool: ThreadPoolExecutor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(caretaker, "_KEEP_DELETED", timedelta(0))
    song = write_music(tmp_path / "a.wav")
    known = write_music(tmp_path / "b.wav", seed=2)
    rooms.go_through(rooms.receive(known))
    gone = rooms.go_through(rooms.receive(song))
    rooms.pipeline.delete(gone.id, LOCAL_USER_ID)
    rooms.caretaker.purge_deleted()
    collector = Caretaker(rooms.database, rooms.intake, slow, rooms.pipeline, rooms.durable)
    collecting = pool.submit(collector.collect)
    slow.is_asked.wait()
    other = rooms.go_through(rooms.receive(write_music(tmp_path / "c.wav", seed=3)))
    assert other.state is TrackState.READY
    data = known.read_bytes()
    again = rooms.intake.create(
        owner_id=LOCAL_USER_ID,
        description=Description(
            filename="b.wav", preset="archive", sha256=hashlib.sha256(data).hexdigest()
        ),
        size_bytes=len(data),
    )
    assert again.state is UploadState.STORED
    slow.may_answer.set()
    collecting.result()
    assert hashlib.sha256(song.read_bytes()).hexdigest() not in rooms.objects()


def test_the_collector_gives_way_to_who_is_about_to_refer_to_an_object(
    rooms: Rooms,
    slow: SlowLibrary,
    pool: ThreadPoolExecutor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Unreferenced when the collector looks, and needed a moment later: it stays."""
    monkeypatch.setattr(caretaker, "_KEEP_DELETED", timedelta(0))
    song = write_music(tmp_path / "a.wav")
    gone = rooms.go_through(rooms.receive(song))
    again = rooms.receive(song)
    rooms.steps.validate(again)
    rooms.pipeline.delete(gone.id, LOCAL_USER_ID)
    rooms.caretaker.purge_deleted()
    storing = pool.submit(replace(rooms.steps, library=slow).store, again)
    slow.is_asked.wait()
    rooms.caretaker.collect()
    slow.may_answer.set()
    storing.result()
    assert hashlib.sha256(song.read_bytes()).hexdigest() in rooms.objects()
