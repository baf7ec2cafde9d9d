"""A volume is what its sentinel says, or nothing is written."""

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sarau.errors import FailedCode, FailedError, RefusedCode, RefusedError
from sarau.storage import Volume, durable
from sarau.storage.volume import look


@pytest.mark.parametrize("prepared", ["missing", "empty", "fresh_ext4"])
def test_a_missing_or_empty_directory_becomes_a_volume_once(tmp_path: Path, prepared: str) -> None:
    root = tmp_path / "deep" / "intake"
    if prepared != "missing":
        root.mkdir(parents=True)
    if prepared == "fresh_ext4":
        (root / "lost+found").mkdir()
    made = Volume.open(root, "intake", reserve_bytes=0)
    again = Volume.open(root, "intake", reserve_bytes=0, expected_id=made.id)
    assert again.id == made.id
    assert made.check().ok
    assert [path.name for path in root.glob(".sarau*")] == [".sarau-volume"]


def test_looking_at_an_empty_mount_point_makes_nothing(tmp_path: Path) -> None:
    root = tmp_path / "intake"
    root.mkdir()
    status = look(root, "intake", None, reserve_bytes=0)
    assert (status.ok, status.code, status.sentinel) == (False, "volume_missing", "missing")
    assert list(root.iterdir()) == []
    made = Volume.open(root, "intake", reserve_bytes=0)
    assert look(root, "intake", made.id, reserve_bytes=0).sentinel == "own"
    assert look(root, "intake", "0" * 32, reserve_bytes=0).code == "volume_mismatch"
    assert look(root, "library", None, reserve_bytes=0).sentinel == "foreign"
    assert Path(made.check().mount_point or "").is_mount()


def test_a_failed_sync_is_told_once(tmp_path: Path) -> None:
    volume = Volume.open(tmp_path / "v", "intake", reserve_bytes=0)
    told: list[str] = []
    volume.on_sync_error = told.append
    for what in ("first", "second"):
        volume.mark_suspect(FailedError(FailedCode.DISK_ERROR, what))
    assert told == ["disk_error: first"]
    assert volume.check().code == "disk_error"


def test_a_directory_with_files_and_no_sentinel_is_not_mounted(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    with pytest.raises(FailedError) as caught:
        Volume.open(tmp_path, "intake", reserve_bytes=0)
    assert caught.value.code == FailedCode.VOLUME_MISSING


def test_an_empty_mount_point_is_refused_when_the_catalog_knows_the_volume(tmp_path: Path) -> None:
    with pytest.raises(FailedError) as caught:
        Volume.open(tmp_path, "intake", reserve_bytes=0, expected_id="0" * 32)
    assert caught.value.code == FailedCode.VOLUME_MISSING
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("role", "expected"), [("library", None), ("intake", "0" * 32)])
def test_another_volume_is_refused(tmp_path: Path, role: str, expected: str | None) -> None:
    Volume.open(tmp_path, "intake", reserve_bytes=0)
    with pytest.raises(FailedError) as caught:
        Volume.open(tmp_path, role, reserve_bytes=0, expected_id=expected)
    assert caught.value.code == FailedCode.VOLUME_MISMATCH


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"role": "intake", "id": "../x"}', "\xff"])
def test_a_sentinel_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / ".sarau-volume").write_text(text, encoding="latin-1")
    with pytest.raises(FailedError) as caught:
        Volume.open(tmp_path, "intake", reserve_bytes=0)
    assert caught.value.code == FailedCode.VOLUME_MISMATCH


def test_a_volume_that_goes_away_is_seen(tmp_path: Path) -> None:
    volume = Volume.open(tmp_path / "d", "intake", reserve_bytes=0)
    sentinel = volume.path(".sarau-volume")
    text = sentinel.read_text()
    sentinel.unlink()
    assert volume.check().code == FailedCode.VOLUME_MISSING
    sentinel.write_text(json.dumps(json.loads(text) | {"id": "0" * 32}))
    assert volume.check().code == FailedCode.VOLUME_MISMATCH
    with pytest.raises(FailedError):
        volume.require()
    sentinel.write_text(text)
    volume.require()


def test_a_failed_sync_makes_the_volume_suspect_until_restart(tmp_path: Path) -> None:
    volume = Volume.open(tmp_path, "intake", reserve_bytes=0)
    volume.mark_suspect(OSError(errno.EIO, "Input/output error"))
    assert volume.check().code == FailedCode.DISK_ERROR
    with pytest.raises(FailedError):
        volume.require()
    assert Volume.open(tmp_path, "intake", reserve_bytes=0).check().ok


def test_the_reserve_is_kept(tmp_path: Path) -> None:
    volume = Volume.open(tmp_path, "intake", reserve_bytes=1000)
    volume.check_room(0)
    volume.reserve_bytes = volume.free_bytes() - (1 << 30)
    with pytest.raises(RefusedError) as caught:
        volume.check_room(2 << 30)
    assert caught.value.code == RefusedCode.OUT_OF_SPACE


def test_short_writes_are_looped() -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    data = os.urandom(60_000)
    durable.write_all(writer, data)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == data


def test_a_full_disk_has_its_own_code() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(FailedError) as caught:
        durable.write_all(full.fileno(), b"x")
    assert caught.value.code == FailedCode.DISK_FULL


def test_names_are_made_and_removed(tmp_path: Path) -> None:
    durable.make_dirs(tmp_path / "a" / "b")
    path = tmp_path / "a" / "b" / "file"
    os.close(durable.create(path))
    with pytest.raises(FailedError):
        durable.create(path)
    assert durable.link(path, tmp_path / "a" / "second")
    assert not durable.link(path, tmp_path / "a" / "second")
    durable.replace(tmp_path / "a" / "second", tmp_path / "third")
    assert durable.unlink(path)
    assert not durable.unlink(path)
    assert (tmp_path / "third").exists()


@contextmanager
def broken(monkeypatch: pytest.MonkeyPatch, call: str) -> Iterator[None]:
    """Have every call of a function of `os` end as on a disk that breaks."""

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        yield


WRITING: dict[str, tuple[str, Callable[[int, Path], object]]] = {
    "bytes": ("write", lambda fd, _: durable.write_all(fd, b"x")),
    "sync": ("fdatasync", lambda fd, _: durable.sync(fd)),
    "sync of all": ("fsync", lambda fd, _: durable.sync_all(fd)),
    "sync of names": ("fsync", lambda _, path: durable.fsync_dir(path.parent)),
    "name removed": ("fsync", lambda _, path: durable.unlink(path)),
}


@pytest.mark.parametrize("what", WRITING)
def test_a_write_or_sync_that_fails_makes_the_volume_suspect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    call, work = WRITING[what]
    volume = Volume.open(tmp_path / "v", "intake", reserve_bytes=0)
    fd = os.open(volume.path("file"), os.O_CREAT | os.O_WRONLY)
    try:
        with (
            broken(monkeypatch, call),
            pytest.raises(FailedError) as caught,
            volume.watched(),
        ):
            work(fd, volume.path("file"))
    finally:
        os.close(fd)
    assert caught.value.code is FailedCode.DISK_ERROR
    assert volume.suspect
    assert "Input/output error" in volume.suspect


NAMING: dict[str, Callable[[Volume], object]] = {
    "directory gone": lambda volume: durable.fsync_dir(volume.path("gone")),
    "file gone with it": lambda volume: durable.unlink(volume.path("gone", "file")),
    "source gone": lambda volume: durable.link(volume.path("gone"), volume.path("name")),
    "name taken": lambda volume: durable.create(volume.path(".sarau-volume")),
}


@pytest.mark.parametrize("what", NAMING)
def test_a_name_that_is_gone_or_taken_says_nothing_of_the_disk(tmp_path: Path, what: str) -> None:
    volume = Volume.open(tmp_path / "v", "intake", reserve_bytes=0)
    with pytest.raises(FailedError) as caught, volume.watched():
        NAMING[what](volume)
    assert caught.value.code is FailedCode.DISK_ERROR
    assert volume.check().ok


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    volume = Volume.open(tmp_path / "v", "intake", reserve_bytes=0)
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(FailedError),
        volume.watched(),
    ):
        durable.write_all(full.fileno(), b"x")
    assert volume.check().ok


def test_a_source_that_its_disk_does_not_give_back_is_damaged(tmp_path: Path) -> None:
    found = []
    # Nothing is mapped at the start of a process's memory: reading there is an EIO.
    for path in (tmp_path / "gone", Path("/proc/self/mem"), tmp_path):
        with (
            pytest.raises(FailedError) as caught,
            durable.reading_source("it"),
            path.open("rb", buffering=0) as file,
        ):
            file.read(1)
        found.append(caught.value.code)
    assert found == ["source_missing", "source_damaged", "disk_error"]
