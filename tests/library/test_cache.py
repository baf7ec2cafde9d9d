import fcntl
import hashlib
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sarau.errors import FailedCode, FailedError
from sarau.library import ObjectRef
from sarau.library.cache import Cache
from sarau.storage import Volume

SIZE = 1000


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return Volume.open(tmp_path / "cache", "cache", reserve_bytes=0)


def _data(number: int) -> bytes:
    return number.to_bytes(4) * (SIZE // 4)


def _sha256(number: int) -> str:
    return hashlib.sha256(_data(number)).hexdigest()


def _use(cache: Cache, number: int) -> bytes:
    with cache.hold(_sha256(number), lambda: [_data(number)]) as path:
        return path.read_bytes()


def _kept(volume: Volume) -> set[str]:
    return {path.name for path in volume.path("kept").iterdir()}


def _never() -> Iterator[bytes]:
    raise AssertionError("it should be there")


def test_a_copy_is_read_in_once(volume: Volume) -> None:
    cache = Cache(volume, max_bytes=SIZE)
    assert _use(cache, 1) == _data(1)
    with cache.hold(_sha256(1), _never) as path:
        assert path.read_bytes() == _data(1)


def test_what_was_not_used_for_longest_goes_first(volume: Volume) -> None:
    cache = Cache(volume, max_bytes=3 * SIZE)
    for number in (1, 2, 3):
        _use(cache, number)
        os.utime(volume.path("kept", _sha256(number)), (number, number))
    _use(cache, 1)
    _use(cache, 4)
    assert _kept(volume) == {_sha256(number) for number in (1, 3, 4)}


def test_what_is_being_read_stays(volume: Volume) -> None:
    cache, other = (Cache(volume, max_bytes=SIZE) for _ in range(2))
    with cache.hold(_sha256(1), lambda: [_data(1)]) as path:
        _use(other, 2)
        assert path.read_bytes() == _data(1)
    _use(other, 3)
    assert _kept(volume) == {_sha256(3)}


class SmallVolume(Volume):
    """A volume of so many bytes, as far as its files go."""

    size_bytes = 5 * SIZE

    def free_bytes(self) -> int:
        files = (path.stat() for path in self.root.rglob("*") if path.is_file())
        used = {stat.st_ino: stat.st_size for stat in files if stat.st_size >= SIZE}
        return self.size_bytes - sum(used.values())


@pytest.fixture
def small(volume: Volume) -> SmallVolume:
    """A volume that holds three copies and its reserve."""
    return SmallVolume(volume.root, "cache", volume.id, reserve_bytes=2 * SIZE)


def test_copies_give_way_when_their_disk_is_short(small: SmallVolume) -> None:
    cache = Cache(small, max_bytes=100 * SIZE)
    for number in (1, 2, 3):
        _use(cache, number)
        os.utime(small.path("kept", _sha256(number)), (number, number))
    assert cache.give_way(0)
    small.path("work").write_bytes(b"a render" * SIZE)
    small.size_bytes += 8 * SIZE - 2 * SIZE  # which takes the room of two copies
    assert cache.give_way(0)
    assert _kept(small) == {_sha256(3)}


def test_what_is_read_in_takes_the_room_of_older_copies_not_of_the_reserve(
    small: SmallVolume,
) -> None:
    cache = Cache(small, max_bytes=100 * SIZE)
    for number in (1, 2, 3, 4):
        _use(cache, number)
        os.utime(small.path("kept", _sha256(number)), (number, number))
    assert _kept(small) == {_sha256(number) for number in (2, 3, 4)}
    assert small.free_bytes() >= small.reserve_bytes


def test_a_copy_that_would_take_the_reserve_is_used_and_not_kept(small: SmallVolume) -> None:
    cache = Cache(small, max_bytes=100 * SIZE)
    small.path("work").write_bytes(b"a render" * SIZE)
    small.size_bytes = 8 * SIZE + SIZE
    with cache.draft() as (path, fd):
        os.write(fd, _data(1))
        cache.keep(path, ObjectRef(_sha256(1), SIZE))
    assert _kept(small) == set()
    assert _use(cache, 2) == _data(2)


def test_bytes_that_are_not_the_objects_get_no_name(volume: Volume) -> None:
    cache = Cache(volume, max_bytes=SIZE)
    with pytest.raises(FailedError) as caught, cache.hold(_sha256(1), lambda: [b"rot"]):
        pass
    assert caught.value.code is FailedCode.OBJECT_DAMAGED
    assert _kept(volume) == set()
    assert list(volume.path("drafts").iterdir()) == []


def test_a_draft_of_a_dead_process_is_removed_and_one_being_written_is_not(volume: Volume) -> None:
    cache = Cache(volume, max_bytes=SIZE)
    volume.path("drafts", "dead").write_bytes(b"half")
    with cache.draft() as (path, _):
        Cache(volume, max_bytes=SIZE)
        assert list(volume.path("drafts").iterdir()) == [path]


def test_a_copy_that_is_removed_just_when_it_is_taken_is_read_in_again(volume: Volume) -> None:
    cache = Cache(volume, max_bytes=SIZE)
    _use(cache, 1)
    path = volume.path("kept", _sha256(1))
    with path.open("rb") as evictor:
        fcntl.flock(evictor, fcntl.LOCK_EX)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(_use, cache, 1)
            path.unlink()
            fcntl.flock(evictor, fcntl.LOCK_UN)
            assert waiting.result() == _data(1)


def _work(root: Path, seed: int) -> None:
    cache = Cache(Volume.open(root, "cache", reserve_bytes=0), max_bytes=3 * SIZE)
    for step in range(150):
        number = (step * 7 + seed) % 10
        assert _use(cache, number) == _data(number)


def test_processes_that_share_a_small_cache_always_read_the_right_bytes(volume: Volume) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_work, args=(volume.root, seed)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    _use(Cache(volume, max_bytes=3 * SIZE), 0)
    assert len(_kept(volume)) <= 3
    assert list(volume.path("drafts").iterdir()) == []
