"""The intake keeps its promises without a web server."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.catalogs import new_sqlite_catalog

from sarau.catalog import Database, events, tracks, uploads
from sarau.catalog.tables import uploads as uploads_table
from sarau.errors import FailedCode, FailedError, RefusedCode, RefusedError, SarauError
from sarau.intake import Description, Intake, expiry, is_finished, recovery
from sarau.intake.appender import lock
from sarau.intake.group_commit import GroupCommit
from sarau.model.clock import now
from sarau.model.ids import LOCAL_USER_ID, UploadId, new_id
from sarau.model.lifecycle import TrackState, UploadState
from sarau.model.track import Track
from sarau.model.upload import Upload
from sarau.storage import Volume
from sarau.storage.volume import SENTINEL

DAY = timedelta(days=1)


@dataclass
class Room:
    """An intake with what the tests look at."""

    database: Database
    volume: Volume
    received: list[str] = field(default_factory=list)
    refuse: SarauError | None = None

    def open(self) -> Intake:
        return Intake(
            self.database,
            self.volume,
            max_upload_bytes=1 << 40,
            expiry_s=60,
            on_received=self._on_received,
        )

    def _on_received(
        self, _connection: sa.Connection, received: Sequence[tuple[Upload, Track]]
    ) -> None:
        assert all(track.state is TrackState.RECEIVED for _, track in received)
        if self.refuse is not None:
            raise self.refuse
        self.received += [upload.id for upload, _ in received]

    def row(self, upload: Upload) -> Upload:
        with self.database.read() as connection:
            return uploads.get(connection, upload.id)

    def track(self, upload: Upload) -> Track:
        assert upload.track_id is not None
        with self.database.read() as connection:
            return tracks.get(connection, upload.track_id)

    def kinds(self, upload: Upload) -> list[str]:
        assert upload.track_id is not None
        with self.database.read() as connection:
            return [event.kind for event in events.of_track(connection, upload.track_id)]

    def set(self, upload: Upload, **values: object) -> None:
        with self.database.write() as connection:
            chosen = sa.update(uploads_table).where(uploads_table.c.id == upload.id)
            connection.execute(chosen.values(**values))


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    database = Database(new_sqlite_catalog(tmp_path / "sarau.db"))
    yield Room(database, Volume.open(tmp_path / "intake", "intake", reserve_bytes=0))
    database.close()


@pytest.fixture
def intake(room: Room) -> Iterator[Intake]:
    opened = room.open()
    yield opened
    opened.close()


def create(intake: Intake, size: int | None = 10, body: bytes | None = None) -> Upload:
    return intake.create(
        owner_id=LOCAL_USER_ID,
        description=Description("song.flac"),
        size_bytes=size,
        body=body,
    )


def append(intake: Intake, upload: Upload, data: bytes) -> Upload:
    appender = intake.append(upload.id, LOCAL_USER_ID)
    appender.write(data)
    try:
        return appender.finish()
    finally:
        appender.close()


def test_every_step_is_in_the_record(room: Room, intake: Intake) -> None:
    upload = create(intake)
    append(intake, upload, b"abc")
    append(intake, upload, b"defghij")
    assert room.kinds(upload) == [
        "track.created",
        "upload.created",
        "upload.received",
        "track.received",
    ]
    assert room.received == [upload.id]


def test_what_follows_is_started_in_the_same_transaction_or_the_upload_stays_open(
    room: Room, intake: Intake
) -> None:
    upload = create(intake)
    room.refuse = FailedError(FailedCode.DATABASE_UNAVAILABLE, "no queue")
    with pytest.raises(FailedError):
        append(intake, upload, b"abcdefghij")
    assert room.row(upload).state is UploadState.RECEIVING
    assert room.row(upload).offset_bytes == 0
    room.refuse = None
    assert append(intake, upload, b"abcdefghij").state is UploadState.RECEIVED
    assert intake.path_of(room.row(upload)).read_bytes() == b"abcdefghij"


def test_two_cannot_hold_an_upload(intake: Intake) -> None:
    upload = create(intake)
    first = intake.append(upload.id, LOCAL_USER_ID)
    with pytest.raises(RefusedError) as caught:
        intake.append(upload.id, LOCAL_USER_ID)
    assert caught.value.code is RefusedCode.UPLOAD_LOCKED
    first.close()
    intake.append(upload.id, LOCAL_USER_ID).close()


def test_an_upload_of_somebody_else_is_not_found(intake: Intake) -> None:
    upload = create(intake)
    stranger = type(LOCAL_USER_ID)("somebody")
    for action in (intake.find, intake.append, intake.terminate):
        with pytest.raises(RefusedError) as caught:
            action(upload.id, stranger)
        assert caught.value.code is RefusedCode.NOT_FOUND


def test_an_expired_upload_is_let_go_of(room: Room, intake: Intake) -> None:
    due, held, young, whole = create(intake), create(intake), create(intake), create(intake, 0)
    append(intake, due, b"abc")
    holder = intake.append(held.id, LOCAL_USER_ID)
    for upload in (due, held, whole):
        room.set(upload, expires_at=now() - DAY)
    assert intake.expire_due() == 1
    holder.close()
    assert room.row(due).state is UploadState.DISCARDED
    assert room.track(due).state is TrackState.EXPIRED
    assert not intake.files.of(due.id).exists()
    assert room.kinds(due)[-2:] == ["upload.expired", "track.expired"]
    assert room.row(held).state is room.row(young).state is UploadState.RECEIVING
    assert room.row(whole).state is UploadState.RECEIVED


def test_a_piece_expires_even_when_it_is_whole(room: Room, intake: Intake) -> None:
    piece = intake.create(
        owner_id=LOCAL_USER_ID, description=Description(), size_bytes=3, concat="partial"
    )
    append(intake, piece, b"abc")
    room.set(piece, expires_at=now() - DAY)
    assert intake.expire_due() == 1
    assert room.row(piece).state is UploadState.DISCARDED


@pytest.mark.parametrize("how", ["terminated", "expired"])
def test_what_is_let_go_of_with_all_its_bytes_is_not_taken_for_one_that_arrived(
    room: Room, intake: Intake, how: str
) -> None:
    upload = create(intake)
    appender = intake.append(upload.id, LOCAL_USER_ID)
    appender.write(b"abcdefghij")
    assert appender.finish(complete=False).state is UploadState.RECEIVING
    appender.close()
    room.set(upload, expires_at=now() - DAY)
    if how == "terminated":
        intake.terminate(upload.id, LOCAL_USER_ID)
    else:
        assert intake.expire_due() == 1
    with pytest.raises(RefusedError) as caught:
        intake.find(upload.id, LOCAL_USER_ID)
    assert caught.value.code is RefusedCode.UPLOAD_GONE
    assert upload.track_id is not None
    with room.database.read() as connection:
        (event,) = [
            event
            for event in events.of_track(connection, upload.track_id)
            if event.kind == f"upload.{how}"
        ]
    assert event.data["offset_bytes"] == 10


@pytest.mark.parametrize("size", [0, 3])
def test_what_arrived_stays_arrived_when_its_track_was_rejected(
    room: Room, intake: Intake, size: int
) -> None:
    upload = create(intake, size, body=b"abc"[:size])
    with room.database.write() as connection:
        uploads.let_go(connection, room.row(upload), UploadState.DISCARDED, "discarded")
    assert is_finished(intake.find(upload.id, LOCAL_USER_ID))


def test_an_empty_file_that_never_was_called_whole_did_not_arrive(
    room: Room, intake: Intake
) -> None:
    upload = create(intake, None)
    appender = intake.append(upload.id, LOCAL_USER_ID)
    appender.declare_size(0)
    assert appender.finish(complete=False).size_bytes == 0
    appender.close()
    intake.terminate(upload.id, LOCAL_USER_ID)
    assert not is_finished(room.row(upload))


def test_a_length_and_the_end_that_it_makes_are_committed_together(
    room: Room, intake: Intake
) -> None:
    upload = create(intake, None)
    append(intake, upload, b"abc")
    commits: list[UploadState] = []
    room.database.on_commit(lambda: commits.append(room.row(upload).state))
    appender = intake.append(upload.id, LOCAL_USER_ID)
    appender.declare_size(3)
    assert commits == []
    assert room.row(upload).size_bytes is None
    assert appender.finish().size_bytes == 3
    appender.close()
    assert commits == [UploadState.RECEIVED]


def test_a_length_is_promised_with_the_first_byte_that_follows(room: Room, intake: Intake) -> None:
    upload = create(intake, None)
    appender = intake.append(upload.id, LOCAL_USER_ID)
    appender.declare_size(10)
    for wrong in (9, 11, 1 << 50):
        with pytest.raises(RefusedError) as caught:
            appender.declare_size(wrong)
        assert caught.value.code is RefusedCode.UPLOAD_LENGTH_INVALID
    with pytest.raises(RefusedError) as caught:
        appender.write(b"abcdefghijk")
    assert caught.value.code is RefusedCode.UPLOAD_TOO_LARGE
    assert room.row(upload).size_bytes is None
    appender.write(b"abc")
    assert room.row(upload).size_bytes == 10
    appender.finish()
    appender.close()


def test_a_body_that_is_not_what_was_declared_is_never_received(room: Room, intake: Intake) -> None:
    for size in (None, 2, 4):
        with pytest.raises(RefusedError) as caught:
            create(intake, size, body=b"abc")
        assert caught.value.code is RefusedCode.UPLOAD_LENGTH_INVALID
    assert room.received == []
    assert list(room.volume.path("uploads").iterdir()) == []


def test_an_upload_that_grows_while_it_is_let_go_of_is_let_go_of(
    database: Database, tmp_path: Path
) -> None:
    """PostgreSQL shows a row as it was before a commit on its way, unless it is waited for."""
    room = Room(database, Volume.open(tmp_path / "intake", "intake", reserve_bytes=0))
    intake = room.open()
    upload = create(intake)
    failed: list[Exception] = []

    def terminate() -> None:
        try:
            intake.terminate(upload.id, LOCAL_USER_ID)
        except RefusedError as error:
            failed.append(error)

    thread = threading.Thread(target=terminate)
    with database.write() as connection:
        uploads.advance(connection, upload, 3, expires_at=upload.expires_at)
        thread.start()
        thread.join(1)
        assert thread.is_alive()
    thread.join()
    assert failed == []
    assert room.row(upload).state is UploadState.DISCARDED
    intake.close()


def test_recovery_cuts_off_what_was_not_acknowledged(room: Room, intake: Intake) -> None:
    upload = create(intake)
    append(intake, upload, b"abc")
    with intake.files.of(upload.id).open("ab") as file:
        file.write(b"never acknowledged")
    assert room.open().recover().truncated == 1
    assert intake.files.of(upload.id).read_bytes() == b"abc"
    assert append(room.open(), upload, b"defghij").state is UploadState.RECEIVED


@pytest.mark.parametrize("lost", ["bytes", "file"])
@pytest.mark.parametrize("state", [UploadState.RECEIVING, UploadState.RECEIVED])
def test_recovery_never_serves_what_lost_acknowledged_bytes(
    room: Room, intake: Intake, lost: str, state: UploadState
) -> None:
    upload = create(intake)
    append(intake, upload, b"abcdefghij" if state is UploadState.RECEIVED else b"abc")
    path = intake.files.of(upload.id)
    if lost == "file":
        path.unlink()
    else:
        os.truncate(path, 2)
    assert room.open().recover().damaged == 1
    assert room.row(upload).state is UploadState.DAMAGED
    with pytest.raises(FailedError):
        intake.path_of(room.row(upload))
    with pytest.raises(RefusedError) as caught:
        intake.find(upload.id, LOCAL_USER_ID)
    assert caught.value.code is RefusedCode.UPLOAD_GONE


@pytest.mark.parametrize("mounted", ["nothing", "another disk"])
def test_a_file_is_not_called_missing_while_its_disk_is_not_mounted(
    room: Room, intake: Intake, mounted: str
) -> None:
    whole, begun = create(intake, 3, body=b"abc"), create(intake)
    room.volume.root.rename(room.volume.root.with_name("away"))
    room.volume.root.mkdir()
    code = FailedCode.VOLUME_MISSING
    if mounted == "another disk":
        Volume.open(room.volume.root, "intake", reserve_bytes=0)
        code = FailedCode.VOLUME_MISMATCH
    actions: list[Callable[[], object]] = [
        lambda: intake.path_of(room.row(whole)),
        lambda: intake.files.open(begun.id),
        lambda: intake.files.is_held(begun.id),
    ]
    for action in actions:
        with pytest.raises(FailedError) as caught:
            action()
        assert caught.value.code is code


def test_recovery_damages_nothing_when_the_disk_is_unmounted_while_it_looks(
    room: Room, intake: Intake
) -> None:
    received = [create(intake, 3, body=b"abc") for _ in range(2)]
    # Recovery has found the disk well a moment ago.
    room.volume.require()
    for upload in received:
        intake.files.of(upload.id).unlink()
    room.volume.path(SENTINEL).rename(room.volume.path("away"))
    with pytest.raises(FailedError) as caught:
        intake.recover()
    assert caught.value.code is FailedCode.VOLUME_MISSING
    assert {room.row(upload).state for upload in received} == {UploadState.RECEIVED}


def test_recovery_leaves_alone_what_another_process_receives(room: Room, intake: Intake) -> None:
    upload = create(intake)
    holder = intake.append(upload.id, LOCAL_USER_ID)
    holder.write(b"abc")
    report = room.open().recover()
    assert (report.truncated, report.damaged) == (0, 0)
    holder.write(b"defghij")
    assert holder.finish().state is UploadState.RECEIVED
    holder.close()


def test_recovery_never_cuts_what_another_process_acknowledged_while_it_looked(
    room: Room, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = create(intake)
    append(intake, upload, b"abc")
    with intake.files.of(upload.id).open("ab") as file:
        file.write(b"never acknowledged")

    def other_process_first(fd: int) -> None:
        append(room.open(), upload, b"defg")
        lock(fd)

    monkeypatch.setattr(recovery, "lock", other_process_first)
    report = intake.recover()
    assert (report.truncated, report.damaged) == (0, 0)
    assert intake.files.of(upload.id).read_bytes() == b"abcdefg"
    assert append(intake, upload, b"hij").state is UploadState.RECEIVED


def test_recovery_quarantines_nothing_after_the_clock_jumped(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = intake.files.of(UploadId(new_id()))
    stranger.write_bytes(b"its row is about to be written")
    for module in (expiry, recovery):
        monkeypatch.setattr(module, "now", lambda: now() + 30 * DAY)
    assert intake.recover().quarantined == 0
    assert stranger.exists()


def test_recovery_sweeps_the_disk(room: Room, intake: Intake) -> None:
    gone, kept = create(intake), create(intake)
    room.set(gone, state=UploadState.STORED)
    old, young = (intake.files.of(UploadId(new_id())) for _ in range(2))
    for path in (old, young):
        path.write_bytes(b"whose?")
    yesterday = (now() - 2 * DAY).timestamp()
    os.utime(old, (yesterday, yesterday))
    report = room.open().recover()
    assert (report.removed, report.quarantined) == (1, 1)
    assert not intake.files.of(gone.id).exists()
    assert intake.files.of(kept.id).exists()
    assert young.exists()
    assert room.volume.path("quarantine", old.name).read_bytes() == b"whose?"


def test_many_threads_share_transactions_and_none_is_lost(room: Room, intake: Intake) -> None:
    before = room.database.read
    commits = []
    room.database.on_commit(lambda: commits.append(1))

    def send(number: int) -> None:
        create(intake, 3, body=b"%03d" % number)

    in_parallel(send, 64)
    assert len(room.received) == 64
    assert len(commits) < 64
    with before() as connection:
        received = uploads.in_state(connection, UploadState.RECEIVED, limit=100)
        numbers = [event.number for event in events.after(connection, 0)]
    contents = {intake.path_of(upload).read_bytes() for upload in received}
    assert contents == {b"%03d" % number for number in range(64)}
    assert numbers == list(range(1, 64 * 4 + 1))


def test_one_failing_piece_of_work_spares_the_others(room: Room) -> None:
    group = GroupCommit(room.database)
    failed: list[int] = []

    def send(number: int) -> None:
        def work(connection: sa.Connection) -> None:
            events.record(connection, f"test.{number}", owner_id=LOCAL_USER_ID)
            if number % 4 == 0:
                raise RefusedError(RefusedCode.WRONG_STATE, "on purpose")

        try:
            group.run(work)
        except RefusedError:
            failed.append(number)

    in_parallel(send, 64)
    with room.database.read() as connection:
        kinds = {event.kind for event in events.after(connection, 0)}
    assert sorted(failed) == list(range(0, 64, 4))
    assert kinds == {f"test.{number}" for number in range(64) if number % 4}


def in_parallel(work: Callable[[int], None], count: int) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
