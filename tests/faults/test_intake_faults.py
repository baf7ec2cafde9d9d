"""Disk D breaks in every way we know: no false acknowledgement, no blame on the file."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.faults.conftest import Tell
from tests.faults.disks import MIB, ext4_at, injected, run, tmpfs_at
from tests.faults.table import FULL_D, HUNG, INODES, KILLED, READ_ONLY, SYNC_D, UNMOUNTED, WRONG
from tests.web.upload_server import UploadServer

from sarau.errors import FailedCode
from sarau.model.lifecycle import TrackState, UploadState
from sarau.storage import Volume

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

TUS = {"Tus-Resumable": "1.0.0"}


@contextmanager
def served(directory: Path) -> Iterator[UploadServer]:
    server = UploadServer(directory).start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Path]:
    with tmpfs_at(tmp_path / "intake", "size=4m,nr_inodes=20") as place:
        yield place


@pytest.fixture
def ext4(tmp_path: Path) -> Iterator[Path]:
    with ext4_at(tmp_path / "intake") as place:
        yield place


def create_deferred(server: UploadServer) -> str:
    answer = httpx.post(server.files, headers=TUS | {"Upload-Defer-Length": "1"})
    assert answer.status_code == 201
    return answer.headers["location"]


@pytest.mark.parametrize("size", [100_000, 3 * MIB])
def test_a_failed_sync_is_never_acknowledged_nor_tried_again(
    tmp_path: Path, size: int, tell: Tell
) -> None:
    with served(tmp_path) as server:
        location = server.create(size + 3)
        assert server.patch(location, 0, b"abc").status_code == 204
        path = tmp_path / "intake" / "uploads" / location.rpartition("/")[2]
        assert server.process
        with injected(server.process.pid, path, "fdatasync:error=EIO:when=1"):
            answer = server.patch(location, 3, os.urandom(size))
        assert (answer.status_code, answer.json()["code"]) == (503, "disk_error")
        assert server.upload(location).state is UploadState.DAMAGED
        assert httpx.head(location, headers=TUS).status_code == 410
        (track,) = server.tracks()
        assert (track.state, track.code) == (TrackState.FAILED, FailedCode.DISK_ERROR)
        # The disk is not trusted before somebody has looked at it and started again.
        refused = httpx.post(server.files, headers=TUS | {"Upload-Length": "1"})
        assert refused.status_code == 503
        server.kill()
        server.start()
        assert httpx.head(location, headers=TUS).status_code == 410
        server.create(1)
    tell(SYNC_D, points=1)


def test_a_full_disk_keeps_what_it_synced_and_goes_on_with_room(tmpfs: Path, tell: Tell) -> None:
    with served(tmpfs.parent) as server:
        answer = httpx.post(server.files, headers=TUS | {"Upload-Length": str(5 * MIB)})
        assert (answer.status_code, answer.json()["code"]) == (507, "out_of_space")
        location, data = create_deferred(server), os.urandom(6 * MIB)
        assert server.patch(location, 0, data[:MIB]).status_code == 204
        answer = server.patch(location, MIB, data[MIB:])
        assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
        offset = server.offset(location)
        assert MIB < offset < 4 * MIB
        assert server.content(location)[:offset] == data[:offset]
        run("mount", "-o", "remount,size=20m", tmpfs)
        last = {"Upload-Length": str(len(data))}
        assert server.patch(location, offset, data[offset:], last).status_code == 204
        assert server.content(location) == data
    tell(FULL_D, points=1)


def test_when_the_inodes_are_gone_there_are_no_uploads_without_a_file(
    tmpfs: Path, tell: Tell
) -> None:
    with served(tmpfs.parent) as server:
        statuses = [
            httpx.post(server.files, headers=TUS | {"Upload-Length": "1"}).status_code
            for _ in range(30)
        ]
        made = statuses.count(201)
        assert 5 < made < 20
        assert statuses == [201] * made + [507] * (30 - made)
        assert len(server.tracks()) == made
        run("mount", "-o", "remount,nr_inodes=100", tmpfs)
        server.create(1)
    tell(INODES, points=1)


def test_a_disk_that_turns_read_only_refuses_and_comes_back(ext4: Path, tell: Tell) -> None:
    with served(ext4.parent) as server:
        location = server.create(6)
        server.patch(location, 0, b"abc")
        run("mount", "-o", "remount,ro", ext4)
        time.sleep(0.6)
        answer = server.patch(location, 3, b"def")
        assert (answer.status_code, answer.json()["code"]) == (503, "disk_error")
        answer = httpx.post(server.files, headers=TUS | {"Upload-Length": "1"})
        assert answer.status_code == 503
        run("mount", "-o", "remount,rw", ext4)
        assert server.offset(location) == 3
        assert server.patch(location, 3, b"def").status_code == 204
        assert server.content(location) == b"abcdef"
    tell(READ_ONLY, points=1)


def test_a_disk_that_is_unmounted_is_not_written_beneath(tmpfs: Path, tell: Tell) -> None:
    with served(tmpfs.parent) as server:
        location = server.create(6)
        run("umount", "-l", tmpfs)
        time.sleep(0.6)
        for answer in (
            server.patch(location, 0, b"abc"),
            httpx.post(server.files, headers=TUS | {"Upload-Length": "1"}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (503, "volume_missing")
        assert list(tmpfs.iterdir()) == []
    tell(UNMOUNTED, points=1)


def test_another_disk_in_its_place_is_not_written(tmpfs: Path, tell: Tell) -> None:
    with served(tmpfs.parent) as server:
        location = server.create(6)
        assert server.patch(location, 0, b"abc").status_code == 204
        run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", tmpfs)
        other = Volume.open(tmpfs, "intake", reserve_bytes=0)
        time.sleep(0.6)
        for answer in (
            server.patch(location, 3, b"def"),
            httpx.post(server.files, headers=TUS | {"Upload-Length": "1"}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (503, "volume_mismatch")
        assert [path.name for path in tmpfs.iterdir()] == [".sarau-volume"]
        run("umount", tmpfs)
        time.sleep(0.6)
        assert server.patch(location, 3, b"def").status_code == 204
        assert server.content(location) == b"abcdef"
        assert other.id not in (tmpfs / ".sarau-volume").read_text()
    tell(WRONG, points=1)


def test_a_hung_disk_holds_up_its_uploads_and_nothing_else(ext4: Path, tell: Tell) -> None:
    with served(ext4.parent) as server:
        location, data = server.create(3 * MIB), os.urandom(3 * MIB)
        answers: list[httpx.Response] = []
        # Whatever happens to the test, the disk must thaw, or nothing can be unmounted.
        thaw = subprocess.Popen(["sh", "-c", f"sleep 4; fsfreeze -u {ext4}"])
        run("fsfreeze", "-f", ext4)

        def send() -> None:
            answers.append(
                httpx.patch(
                    location,
                    content=data,
                    timeout=60,
                    headers=TUS
                    | {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"},
                )
            )

        sender = threading.Thread(target=send)
        sender.start()
        while thaw.poll() is None:
            assert httpx.get(f"{server.url}/ping").status_code == 200
            time.sleep(0.05)
        sender.join()
        assert answers[0].status_code == 204
        assert server.content(location) == data
    tell(HUNG, points=1)


@pytest.mark.parametrize("call", ["fdatasync", "fsync", "openat", "unlink", "write", "pwrite64"])
def test_a_server_killed_at_any_system_call_loses_nothing(
    tmp_path: Path, call: str, tell: Tell
) -> None:
    data = [os.urandom(200_000), os.urandom(50_000)]
    killed = 0
    for number in (1, 2, 5, 9):
        directory = tmp_path / str(number)
        directory.mkdir()
        killed += kill_at(directory, call, number, data)
    assert killed
    tell(KILLED, points=4, hit=killed)


def kill_at(directory: Path, call: str, number: int, data: list[bytes]) -> bool:
    """Send two files while the server dies at the `number`-th call; finish them after it."""
    with served(directory) as server:
        acknowledged: dict[str, int] = {}
        assert server.process
        try:
            with injected(server.process.pid, None, f"{call}:signal=KILL:when={number}"):
                died = attempt(server, data, acknowledged)
        except FileNotFoundError:
            died = True
        assert server.process is not None
        if died:
            server.process.wait()
            server.start()
        for location, offset in acknowledged.items():
            assert server.upload(location).offset_bytes >= offset
        for upload in {track.id: track for track in server.tracks()}.values():
            assert upload.state in {TrackState.RECEIVING, TrackState.RECEIVED}
        for location in acknowledged:
            content = data[0] if server.upload(location).size_bytes == len(data[0]) else data[1]
            offset = server.offset(location)
            if offset < len(content):
                assert server.patch(location, offset, content[offset:]).status_code == 204
            assert server.content(location) == content
    return died


def attempt(server: UploadServer, data: list[bytes], acknowledged: dict[str, int]) -> bool:
    try:
        for body in data:
            location = server.create(len(body))
            acknowledged[location] = 0
            for offset in range(0, len(body), 50_000):
                answer = server.patch(location, offset, body[offset : offset + 50_000])
                assert answer.status_code == 204
                acknowledged[location] = offset + 50_000
    except httpx.TransportError:
        return True
    return False
