"""Pieces are joined while others, and the clients themselves, let go of them."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sarau.catalog import Database, listing
from sarau.errors import FailedCode, FailedError, RefusedCode, RefusedError, SarauError
from sarau.intake import Description, Intake, concatenate
from sarau.model.ids import LOCAL_USER_ID
from sarau.model.upload import Upload
from sarau.storage import Volume

DATA = [b"first " * 1000, b"second" * 2000]


@pytest.fixture
def intake(sqlite_database: Database, tmp_path: Path) -> Iterator[Intake]:
    made = Intake(
        sqlite_database,
        Volume.open(tmp_path / "intake", "intake", reserve_bytes=0),
        max_upload_bytes=1 << 30,
        expiry_s=60,
        on_received=lambda *_: None,
    )
    yield made
    made.close()


@pytest.fixture
def pieces(intake: Intake) -> list[Upload]:
    return [
        intake.create(
            owner_id=LOCAL_USER_ID,
            description=Description(),
            size_bytes=len(data),
            concat="partial",
            body=data,
        )
        for data in DATA
    ]


def _join(intake: Intake, pieces: list[Upload]) -> Upload:
    return concatenate(
        intake,
        owner_id=LOCAL_USER_ID,
        description=Description(filename="whole.wav"),
        piece_ids=[piece.id for piece in pieces],
        concat="final",
    )


def _files(intake: Intake) -> set[str]:
    return {path.name for path in intake.volume.path("uploads").iterdir()}


def _nothing_came_of_it(intake: Intake, database: Database, pieces: list[Upload]) -> None:
    assert _files(intake) <= {piece.id for piece in pieces}
    with database.read() as connection:
        assert listing.counts(connection, LOCAL_USER_ID) == {}


@pytest.fixture
def before_copying(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Have something happen when the pieces are open and none of them is copied."""

    def arrange(happen: Callable[[], object]) -> None:
        copy, todo = os.copy_file_range, [happen]

        def happen_and_copy(*given: int) -> int:
            while todo:
                todo.pop()()
            return copy(*given)

        monkeypatch.setattr(os, "copy_file_range", happen_and_copy)

    return arrange


def test_a_piece_that_is_let_go_of_while_they_are_joined_is_in_the_whole(
    intake: Intake, pieces: list[Upload], before_copying: Callable[[Callable[[], object]], None]
) -> None:
    before_copying(lambda: intake.terminate(pieces[1].id, LOCAL_USER_ID))
    whole = _join(intake, pieces)
    assert intake.files.of(whole.id).read_bytes() == b"".join(DATA)
    assert _files(intake) == {pieces[0].id, whole.id}
    assert intake.volume.check().ok


def test_a_piece_that_is_let_go_of_before_it_is_open_is_gone_and_nothing_else(
    intake: Intake, sqlite_database: Database, pieces: list[Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = intake.plan

    def terminate_and_plan(*given: object) -> Upload:
        intake.terminate(pieces[1].id, LOCAL_USER_ID)
        return plan(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(intake, "plan", terminate_and_plan)
    with pytest.raises(RefusedError) as caught:
        _join(intake, pieces)
    assert caught.value.code is RefusedCode.UPLOAD_GONE
    assert intake.volume.check().ok
    _nothing_came_of_it(intake, sqlite_database, pieces)


def test_a_piece_without_its_file_is_our_fault(intake: Intake, pieces: list[Upload]) -> None:
    intake.files.of(pieces[0].id).unlink()
    with pytest.raises(FailedError) as caught:
        _join(intake, pieces)
    assert caught.value.code is FailedCode.SOURCE_MISSING
    assert intake.volume.check().ok


def test_a_piece_that_cannot_be_read_is_damaged_and_the_others_uploads_go_on(
    intake: Intake, sqlite_database: Database, pieces: list[Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: int) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "copy_file_range", fail)
    with pytest.raises(FailedError) as caught:
        _join(intake, pieces)
    assert caught.value.code is FailedCode.SOURCE_DAMAGED
    assert intake.volume.check().ok
    _nothing_came_of_it(intake, sqlite_database, pieces)


def test_a_piece_that_lost_bytes_does_not_make_a_shorter_whole(
    intake: Intake,
    sqlite_database: Database,
    pieces: list[Upload],
    before_copying: Callable[[Callable[[], object]], None],
) -> None:
    before_copying(lambda: os.truncate(intake.files.of(pieces[1].id), 5))
    with pytest.raises(FailedError) as caught:
        _join(intake, pieces)
    assert caught.value.code is FailedCode.SOURCE_DAMAGED
    assert "6005 of 18000" in caught.value.detail
    _nothing_came_of_it(intake, sqlite_database, pieces)


@pytest.mark.parametrize("call", ["fdatasync", "fsync"])
def test_a_whole_that_cannot_be_synced_makes_the_volume_suspect(
    intake: Intake,
    sqlite_database: Database,
    pieces: list[Upload],
    call: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(SarauError) as caught:
            _join(intake, pieces)
    assert caught.value.code is FailedCode.DISK_ERROR
    assert intake.volume.check().code is FailedCode.DISK_ERROR
    _nothing_came_of_it(intake, sqlite_database, pieces)
