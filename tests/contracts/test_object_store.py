"""What every place for objects promises, held against each of them."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.contracts.stores import disk_library, local_bytes, new_bucket, s3_library

from sarau.errors import FailedCode, FailedError
from sarau.library import DiskLibrary, ObjectRef, S3Library

DATA = b"a song" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()
Library = DiskLibrary | S3Library


@pytest.fixture(
    params=[
        "disk",
        pytest.param("s3", marks=pytest.mark.aws),
        pytest.param("s3 in parts", marks=pytest.mark.aws),
        pytest.param("ceph", marks=pytest.mark.ceph),
        pytest.param("ceph in parts", marks=pytest.mark.ceph),
    ]
)
def library(request: pytest.FixtureRequest, tmp_path: Path) -> Library:
    if request.param == "disk":
        return disk_library(tmp_path / "e")
    kind, in_parts = request.param.split()[0], request.param.endswith("in parts")
    bucket = new_bucket(request.getfixturevalue("ceph_url" if kind == "ceph" else "aws_url"))
    parts_from = 1 if in_parts else 1 << 30
    return s3_library(bucket, tmp_path / "e", parts_from_bytes=parts_from)


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    path = tmp_path / "sent"
    path.write_bytes(DATA)
    return path


def _code(caught: pytest.ExceptionInfo[FailedError]) -> FailedCode:
    return FailedCode(caught.value.code)


def test_put_copies_and_names_by_hash(library: Library, sent: Path) -> None:
    ref = library.put(sent, SHA256)
    assert (ref.sha256, ref.size_bytes) == (SHA256, len(DATA))
    assert local_bytes(library, SHA256) == DATA
    library.require(SHA256)
    assert library.verify(SHA256)
    assert sent.read_bytes() == DATA


def test_a_local_file_cannot_be_written_to_by_chance(library: Library, sent: Path) -> None:
    library.put(sent)
    with library.local(SHA256) as path:
        assert path.stat().st_mode & 0o222 == 0


def test_putting_the_same_bytes_again_is_fine(library: Library, sent: Path) -> None:
    assert library.put(sent) == library.put(sent)
    assert local_bytes(library, SHA256) == DATA


def test_many_writers_of_the_same_bytes_all_succeed(library: Library, sent: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        refs = list(pool.map(lambda _: library.put(sent, SHA256), range(16)))
    assert {ref.sha256 for ref in refs} == {SHA256}
    assert library.verify(SHA256)


def test_bytes_that_changed_since_they_were_received_are_not_stored(
    library: Library, sent: Path
) -> None:
    changed = DATA[:-1] + b"?"
    sent.write_bytes(changed)
    with pytest.raises(FailedError) as caught:
        library.put(sent, SHA256)
    assert _code(caught) is FailedCode.SOURCE_DAMAGED
    for data in (DATA, changed):
        with pytest.raises(FailedError) as caught:
            library.require(hashlib.sha256(data).hexdigest())
        assert _code(caught) is FailedCode.OBJECT_MISSING


def test_a_source_that_is_gone_is_told(library: Library, tmp_path: Path) -> None:
    with pytest.raises(FailedError) as caught:
        library.put(tmp_path / "nothing")
    assert _code(caught) is FailedCode.SOURCE_MISSING


def test_adopt_moves_a_finished_file(library: Library) -> None:
    made = library.make_work_dir("run") / "flac.flac"
    made.write_bytes(DATA)
    assert library.adopt(made).sha256 == SHA256
    assert not made.exists()
    assert local_bytes(library, SHA256) == DATA
    library.remove_work_dir("run")
    assert library.work_dirs() == []


def test_a_work_file_that_is_gone_with_its_run_is_no_trouble_of_the_library(
    library: Library, sent: Path
) -> None:
    made = library.make_work_dir("run") / "flac.flac"
    library.remove_work_dir("run")
    with pytest.raises(FailedError) as caught:
        library.adopt(made)
    assert _code(caught) is FailedCode.DISK_ERROR
    assert library.volume.check().ok
    assert library.put(sent).sha256 == SHA256


@pytest.mark.parametrize("when", ["before it is named", "once it is named"])
def test_a_work_directory_that_goes_while_a_file_is_adopted_is_no_trouble_of_the_library(
    library: Library, sent: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = library.make_work_dir("run") / "flac.flac"
    made.write_bytes(DATA)
    name = library._name

    def and_go(draft: Path, found: ObjectRef) -> None:
        if when == "once it is named":
            name(draft, found)
        library.remove_work_dir("run")
        if when == "before it is named":
            name(draft, found)

    monkeypatch.setattr(library, "_name", and_go)
    if when == "once it is named":
        assert library.adopt(made).sha256 == SHA256
        assert local_bytes(library, SHA256) == DATA
    else:
        with pytest.raises(FailedError) as caught:
            library.adopt(made)
        assert _code(caught) is FailedCode.DISK_ERROR
    monkeypatch.undo()
    assert library.volume.check().ok
    assert library.put(sent).sha256 == SHA256


def test_adopting_what_is_there_already_is_fine(library: Library, sent: Path) -> None:
    library.put(sent)
    made = library.make_work_dir("run") / "again"
    made.write_bytes(DATA)
    assert library.adopt(made).sha256 == SHA256
    assert not made.exists()


def test_an_empty_object_is_an_object(library: Library, sent: Path) -> None:
    sent.write_bytes(b"")
    ref = library.put(sent)
    assert ref.size_bytes == 0
    assert local_bytes(library, ref.sha256) == b""


def test_a_work_directory_is_made_anew(library: Library) -> None:
    (library.make_work_dir("run") / "left by a crash").touch()
    assert list(library.make_work_dir("run").iterdir()) == []
    assert library.work_dirs() == ["run"]


def test_removing_twice_is_fine(library: Library, sent: Path) -> None:
    library.put(sent)
    library.remove(SHA256)
    library.remove(SHA256)
    for ask in (library.require, library.verify, lambda name: local_bytes(library, name)):
        with pytest.raises(FailedError) as caught:
            ask(SHA256)
        assert _code(caught) is FailedCode.OBJECT_MISSING


def test_what_was_removed_can_be_put_again(library: Library, sent: Path) -> None:
    library.put(sent)
    library.remove(SHA256)
    library.put(sent)
    assert local_bytes(library, SHA256) == DATA


def test_a_library_that_is_there_says_so(library: Library) -> None:
    status = library.check()
    assert status.ok
    assert status.code is None
