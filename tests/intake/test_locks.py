"""The intake keeps to catalog/locks.py. Only PostgreSQL lets two writers wait for each other."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import sleep

import pytest
from tests.intake.test_intake import DAY, Room, append, create
from tests.postgresql import wait_until_somebody_waits

from sarau.catalog import Database, events, locks
from sarau.intake import Intake
from sarau.model.ids import LOCAL_USER_ID
from sarau.model.lifecycle import UploadState
from sarau.model.upload import Upload
from sarau.storage import Volume

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
ACTS: dict[str, Callable[[Intake, Upload], object]] = {
    "received": lambda intake, upload: append(intake, upload, b"abcdefghij"),
    "terminated": lambda intake, upload: intake.terminate(upload.id, LOCAL_USER_ID),
    "expired": lambda intake, _: intake.expire_due(),
}


@pytest.fixture
def room(database: Database, tmp_path: Path) -> Room:
    return Room(database, Volume.open(tmp_path / "intake", "intake", reserve_bytes=0))


@pytest.fixture
def intake(room: Room) -> Iterator[Intake]:
    opened = room.open()
    yield opened
    opened.close()


@contextmanager
def edited(room: Room, upload: Upload) -> Iterator[None]:
    """Hold a track's row within the block and record an event after it, as an edit does."""
    assert upload.track_id is not None
    with room.database.write() as connection:
        locks.track(connection, upload.track_id)
        yield
        wait_until_somebody_waits(room.database)
        events.record(connection, "track.edited", owner_id=LOCAL_USER_ID, track_id=upload.track_id)


@pytest.mark.parametrize("act", ACTS)
def test_whoever_edits_a_track_and_its_upload_that_ends_wait_for_one_another(
    room: Room, intake: Intake, act: str
) -> None:
    upload = create(intake)
    room.set(upload, expires_at=upload.expires_at - DAY)
    with ThreadPoolExecutor(1) as pool:
        with edited(room, upload):
            ended = pool.submit(ACTS[act], intake, upload)
        ended.result(30)
    assert room.row(upload).state is not UploadState.RECEIVING


def test_uploads_that_end_together_wait_for_one_anothers_tracks_before_the_first_event(
    room: Room, intake: Intake
) -> None:
    first, *rest = (create(intake) for _ in range(3))
    with ThreadPoolExecutor(3) as pool:
        # They come together where the one before them has to wait.
        with edited(room, rest[1]), edited(room, first):
            ended = [pool.submit(ACTS["received"], intake, first)]
            wait_until_somebody_waits(room.database)
            ended += [pool.submit(ACTS["received"], intake, one) for one in rest]
            while len(intake._commits._batches._queue) < len(rest):
                sleep(0.001)
        for one in ended:
            one.result(30)
    assert {room.row(one).state for one in (first, *rest)} == {UploadState.RECEIVED}
