import hashlib
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sarau.errors import FailedCode, FailedError
from sarau.library import DiskLibrary
from sarau.storage import Volume

DATA = b"a song" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def library(tmp_path: Path) -> DiskLibrary:
    return DiskLibrary(Volume.open(tmp_path / "e", "library", reserve_bytes=0))


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    path = tmp_path / "sent"
    path.write_bytes(DATA)
    return path


def _files(library: DiskLibrary, place: str) -> list[Path]:
    return [path for path in library.volume.path(place).rglob("*") if path.is_file()]


def test_put_copies_and_names_by_hash(library: DiskLibrary, sent: Path) -> None:
    ref = library.put(sent, SHA256)
    assert (ref.sha256, ref.size_bytes) == (SHA256, len(DATA))
    path = library.path_of(SHA256)
    assert path.read_bytes() == DATA
    assert path.stat().st_mode & 0o777 == 0o444
    assert sent.exists()
    assert _files(library, "work") == []


def test_identical_bytes_are_stored_once(library: DiskLibrary, sent: Path) -> None:
    library.put(sent)
    inode = library.path_of(SHA256).stat().st_ino
    library.put(sent)
    assert library.path_of(SHA256).stat().st_ino == inode
    assert len(_files(library, "objects")) == 1


def test_bytes_that_changed_since_they_were_received_are_not_stored(
    library: DiskLibrary, sent: Path
) -> None:
    sent.write_bytes(DATA[:-1] + b"?")
    with pytest.raises(FailedError) as caught:
        library.put(sent, SHA256)
    assert caught.value.code is FailedCode.SOURCE_DAMAGED
    assert _files(library, "objects") == []
    assert _files(library, "work") == []


def test_a_start_removes_what_a_killed_process_left(library: DiskLibrary) -> None:
    left, at_work = (library.volume.path("work", f"{name}.draft") for name in ("left", "at_work"))
    for draft in (left, at_work):
        draft.write_bytes(DATA)
    an_hour_ago = at_work.stat().st_mtime - 3601
    os.utime(left, (an_hour_ago, an_hour_ago))
    DiskLibrary(library.volume)
    assert _files(library, "work") == [at_work]


def test_a_source_that_is_gone_is_told(library: DiskLibrary, tmp_path: Path) -> None:
    with pytest.raises(FailedError) as caught:
        library.put(tmp_path / "nothing")
    assert caught.value.code is FailedCode.SOURCE_MISSING


def test_adopt_moves_a_finished_file(library: DiskLibrary) -> None:
    made = library.make_work_dir("run") / "flac.flac"
    made.write_bytes(DATA)
    assert library.adopt(made).sha256 == SHA256
    assert not made.exists()
    assert library.path_of(SHA256).stat().st_nlink == 1
    library.remove_work_dir("run")
    assert library.work_dirs() == []


def test_a_damaged_object_is_never_adopted_as_the_right_one(
    library: DiskLibrary, sent: Path
) -> None:
    library.put(sent)
    path = library.path_of(SHA256)
    path.chmod(0o644)
    path.write_bytes(b"rot")
    assert not library.verify(SHA256)
    with pytest.raises(FailedError) as caught:
        library.put(sent)
    assert caught.value.code is FailedCode.OBJECT_DAMAGED
    assert library.volume.check().ok  # other files are stored all the same


def test_a_failed_sync_names_nothing_and_marks_the_volume(
    library: DiskLibrary, sent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(FailedError) as caught:
        library.put(sent)
    assert caught.value.code is FailedCode.DISK_ERROR
    assert _files(library, "objects") == []
    assert not library.volume.check().ok


def test_a_source_that_cannot_be_read_is_damaged_and_the_library_goes_on(
    library: DiskLibrary, sent: Path
) -> None:
    with pytest.raises(FailedError) as caught:
        # Nothing is mapped at the start of a process's memory: reading there is an EIO.
        library.put(Path("/proc/self/mem"))
    assert caught.value.code is FailedCode.SOURCE_DAMAGED
    assert _files(library, "work") == []
    assert library.put(sent).sha256 == SHA256


@contextmanager
def no_more_files() -> Iterator[None]:
    """Let this process open nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_too_many_open_files_are_not_the_disks_fault(library: DiskLibrary, sent: Path) -> None:
    made = library.make_work_dir("run") / "flac.flac"
    made.write_bytes(DATA)
    for work in (library.put, library.adopt):
        library.volume.require()
        with no_more_files(), pytest.raises(FailedError) as caught:
            work(made)
        assert caught.value.code is FailedCode.DISK_ERROR
    assert library.volume.check().ok
    assert library.put(sent).sha256 == SHA256


def test_an_object_that_cannot_be_read_is_no_trouble_of_the_others(
    library: DiskLibrary, sent: Path
) -> None:
    library.put(sent)
    path = library.path_of(SHA256)
    path.unlink()
    path.symlink_to("/proc/self/mem")
    for work in (library.verify, lambda _: library.put(sent)):
        with pytest.raises(FailedError) as caught:
            work(SHA256)
        assert caught.value.code is FailedCode.DISK_ERROR
    assert library.volume.check().ok


def test_nothing_is_written_where_the_volume_is_not_mounted(
    library: DiskLibrary, sent: Path
) -> None:
    library.volume.path(".sarau-volume").unlink()
    with pytest.raises(FailedError) as caught:
        library.put(sent)
    assert caught.value.code is FailedCode.VOLUME_MISSING


@pytest.mark.parametrize("mounted", ["nothing", "another disk"])
def test_no_object_is_missing_or_removed_where_the_volume_is_not_mounted(
    library: DiskLibrary, sent: Path, mounted: str
) -> None:
    library.put(sent)
    root = library.volume.root
    root.rename(root.with_name("away"))
    root.mkdir()
    code = FailedCode.VOLUME_MISSING
    if mounted == "another disk":
        Volume.open(root, "library", reserve_bytes=0)
        code = FailedCode.VOLUME_MISMATCH
    for work in (library.path_of, library.require, library.verify, library.remove):
        with pytest.raises(FailedError) as caught:
            work(SHA256)
        assert caught.value.code is code


def test_removing_twice_is_fine(library: DiskLibrary, sent: Path) -> None:
    library.put(sent)
    library.remove(SHA256)
    library.remove(SHA256)
    with pytest.raises(FailedError) as caught:
        library.path_of(SHA256)
    assert caught.value.code is FailedCode.OBJECT_MISSING
