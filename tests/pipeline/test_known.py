"""Bytes that are here already need not be sent again, and a hash opens nobody else's."""

import hashlib
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.pipeline.conftest import Rooms
from tests.sounds import write_music

from sarau.catalog import events, objects
from sarau.catalog.tables import users
from sarau.intake import Description
from sarau.model.clock import now
from sarau.model.ids import LOCAL_USER_ID, UserId
from sarau.model.lifecycle import TrackState, UploadState
from sarau.model.track import Track
from sarau.model.upload import Upload


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_music(tmp_path / "song.wav")


@pytest.fixture
def first(rooms: Rooms, song: Path) -> Track:
    return rooms.go_through(rooms.receive(song))


def claim(
    rooms: Rooms, song: Path, *, owner_id: UserId = LOCAL_USER_ID, more: int = 0, **said: str
) -> Upload:
    data = song.read_bytes()
    told = {"filename": "again.wav", "sha256": hashlib.sha256(data).hexdigest()} | said
    return rooms.intake.create(
        owner_id=owner_id,
        description=Description(**{"preset": "archive"} | told),
        size_bytes=len(data) + more,
    )


def test_known_bytes_make_a_track_without_being_sent(
    rooms: Rooms, song: Path, first: Track
) -> None:
    before = rooms.objects()
    upload = claim(rooms, song, preset="podcast")
    assert (upload.state, upload.offset_bytes) == (UploadState.STORED, song.stat().st_size)
    assert not rooms.intake.files.of(upload.id).exists()
    assert upload.track_id
    track = rooms.track(upload.track_id)
    assert (track.state, track.duplicate_of) == (TrackState.RECEIVED, first.id)
    assert track.run_id
    ready = rooms.go_through(track.run_id)
    assert (ready.state, ready.title) == (TrackState.READY, "again")
    assert before < rooms.objects()  # the renditions of another preset, and no second source
    with rooms.database.read() as connection:
        kinds = [event.kind for event in events.of_track(connection, track.id)]
    assert kinds[:6] == [
        "track.created",
        "upload.created",
        "upload.received",
        "upload.stored",
        "track.duplicate",
        "track.received",
    ]


def test_the_bytes_stay_when_the_older_track_goes(rooms: Rooms, song: Path, first: Track) -> None:
    upload = claim(rooms, song)
    rooms.pipeline.delete(first.id, LOCAL_USER_ID)
    rooms.caretaker.purge_deleted()
    rooms.caretaker.collect()
    assert upload.track_id
    run_id = rooms.track(upload.track_id).run_id
    assert run_id
    assert rooms.go_through(run_id).state is TrackState.READY


def test_a_hash_opens_nothing_of_somebody_else(rooms: Rooms, song: Path, first: Track) -> None:
    assert first.owner_id == LOCAL_USER_ID
    with rooms.database.write() as connection:
        row = {"id": "eve", "name": "eve", "created_at": now()}
        connection.execute(sa.insert(users).values(row))
    assert claim(rooms, song, owner_id=UserId("eve")).state is UploadState.RECEIVING


@pytest.mark.parametrize("sha256", ["", "0" * 64, "no hash", "../" * 21 + "x"])
@pytest.mark.usefixtures("first")
def test_an_unknown_hash_is_sent_as_ever(rooms: Rooms, song: Path, sha256: str) -> None:
    assert claim(rooms, song, sha256=sha256).state is UploadState.RECEIVING


@pytest.mark.usefixtures("first")
def test_a_hash_with_another_length_is_not_believed(rooms: Rooms, song: Path) -> None:
    assert claim(rooms, song, more=1).state is UploadState.RECEIVING


@pytest.mark.usefixtures("first")
def test_bytes_the_library_lost_have_to_be_sent(rooms: Rooms, song: Path) -> None:
    rooms.library.remove(hashlib.sha256(song.read_bytes()).hexdigest())
    assert claim(rooms, song).state is UploadState.RECEIVING


@pytest.mark.usefixtures("first")
def test_bytes_that_were_found_damaged_have_to_be_sent_and_heal(rooms: Rooms, song: Path) -> None:
    sha256 = hashlib.sha256(song.read_bytes()).hexdigest()
    with rooms.database.write() as connection:
        objects.mark_read(connection, sha256, sound=False)
    assert claim(rooms, song).state is UploadState.RECEIVING
    # Sent again, they are compared with what the library holds, which is sound here.
    assert rooms.go_through(rooms.receive(song)).state is TrackState.READY
    with rooms.database.read() as connection:
        assert objects.count_damaged(connection) == 0
    assert claim(rooms, song).state is UploadState.STORED


def test_bytes_of_a_deleted_track_have_to_be_sent(rooms: Rooms, song: Path, first: Track) -> None:
    rooms.pipeline.delete(first.id, LOCAL_USER_ID)
    assert claim(rooms, song).state is UploadState.RECEIVING
