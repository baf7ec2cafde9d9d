"""Disk E breaks: uploads are taken meanwhile, tracks fail with the reason, and go on again."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.faults.conftest import Tell
from tests.faults.disks import ext4_at, injected, run
from tests.faults.table import HUNG_E, READ_ONLY_E, SYNC_E, UNMOUNTED_E, UNREADABLE, WRONG
from tests.servers import Server
from tests.sounds import write_music

from sarau.storage import Volume

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


@pytest.fixture
def e(tmp_path: Path) -> Iterator[Path]:
    with ext4_at(tmp_path / "e") as place:
        yield place


@pytest.fixture
def server(e: Path, make_server: Callable[..., Server]) -> Server:
    return make_server(SARAU_LIBRARY=str(e), SARAU_RESERVE_BYTES="0")


def fails_and_goes_on(server: Server, song: Path, code: str, mend: Callable[[], object]) -> None:
    """The file is received whatever E does; it is ready once E is mended."""
    track = server.send(song)
    failed = server.wait_for(track["id"], "failed", "rejected", "ready")
    assert (failed["state"], failed["code"]) == ("failed", code)
    with server.client() as client:
        ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"]["library"]["code"] == code
    mend()
    found = server.wait_for(track["id"], "ready", timeout_s=180)
    assert found["run"]["attempt"] > 1
    with server.client() as client:
        assert client.get(found["source"]["url"]).content == song.read_bytes()


def test_e_that_turns_read_only(server: Server, e: Path, tmp_path: Path, tell: Tell) -> None:
    run("mount", "-o", "remount,ro", e)
    song = write_music(tmp_path / "a.wav")
    fails_and_goes_on(server, song, "disk_error", lambda: run("mount", "-o", "remount,rw", e))
    tell(READ_ONLY_E, points=1)


def test_e_that_is_not_mounted(server: Server, e: Path, tmp_path: Path, tell: Tell) -> None:
    source = run("findmnt", "-no", "SOURCE", e)
    # The device stays: a lazy unmount of a loop device would let go of it.
    run("umount", "-l", e)
    song = write_music(tmp_path / "a.wav")
    fails_and_goes_on(server, song, "volume_missing", lambda: run("mount", source, e))
    tell(UNMOUNTED_E, points=1)


def test_e_that_hangs_keeps_no_upload_waiting(
    server: Server, e: Path, tmp_path: Path, tell: Tell
) -> None:
    song = write_music(tmp_path / "a.wav")
    # Whatever happens to the test, the disk must thaw, or nothing can be unmounted.
    thaw = subprocess.Popen(["sh", "-c", f"sleep 10; fsfreeze -u {e}"])
    run("fsfreeze", "-f", e)
    tracks = [server.send(song) for _ in range(3)]
    assert thaw.poll() is None, "uploads waited for E"
    thaw.wait()
    for track in tracks:
        server.wait_for(track["id"], "ready", timeout_s=180)
    tell(HUNG_E, points=1)


def test_there_is_no_start_with_another_disk_or_none(server: Server, e: Path, tell: Tell) -> None:
    server.kill()
    run("mount", "-t", "tmpfs", "tmpfs", e)
    for code in ("volume_missing", "volume_mismatch"):
        with pytest.raises(AssertionError, match=code):
            server.start()
        server.kill()  # it has ended; somebody has to notice
        Volume.open(e, "library", reserve_bytes=0)
    assert [path.name for path in e.iterdir()] == [".sarau-volume"]
    run("umount", e)
    server.start()
    tell(WRONG, points=1)
    tell(UNMOUNTED_E, points=1)


TUS = {"Tus-Resumable": "1.0.0"}


def test_a_file_on_d_that_cannot_be_read_is_no_fault_of_e(
    server: Server, tmp_path: Path, tell: Tell
) -> None:
    song = write_music(tmp_path / "a.wav")
    size = song.stat().st_size
    with server.client(headers=TUS) as client:
        made = client.post("/files", headers={"Upload-Length": str(size)})
        location, track_id = made.headers["location"], made.headers["sarau-track"]
        file = server.data / "intake" / "uploads" / location.rpartition("/")[2]
        # The engine reads it in a child of its own, which is spared.
        with injected(server.pid, file, "read:error=EIO"):
            headers = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
            client.patch(location, content=song.read_bytes(), headers=headers)
            failed = server.wait_for(track_id, "failed", "rejected", "ready")
    assert (failed["state"], failed["code"]) == ("failed", "source_damaged")
    with server.client() as client:
        checks = client.get("/readyz").json()["checks"]
    assert checks["library"]["ok"]
    assert checks["intake"]["ok"]
    other = write_music(tmp_path / "b.wav", seed=2)
    server.wait_for(server.send(other)["id"], "ready", timeout_s=180)
    tell(UNREADABLE, points=1)


@contextmanager
def failing_sync(server: Server, directory: Path) -> Iterator[None]:
    with injected(server.pid, directory, "fsync:error=EIO:when=1"):
        yield


def test_a_failed_sync_of_e_is_told_and_nothing_is_written_before_a_restart(
    server: Server, e: Path, tmp_path: Path, tell: Tell
) -> None:
    song = write_music(tmp_path / "a.wav")
    with failing_sync(server, e / "work"):
        track = server.send(song)
        failed = server.wait_for(track["id"], "failed", "rejected", "ready")
    assert (failed["state"], failed["code"]) == ("failed", "disk_error")
    with server.client() as client:
        library = client.get("/readyz").json()["checks"]["library"]
    assert library["code"] == "disk_error"
    assert "Input/output error" in library["last_sync_error"]["detail"]
    again = server.wait_for(server.send(song)["id"], "failed", "ready")
    assert again["code"] == "disk_error"
    server.kill()
    server.start()
    for one in (track, again):
        ready = server.wait_for(one["id"], "ready", timeout_s=180)
        with server.client() as client:
            assert client.get(ready["source"]["url"]).content == song.read_bytes()
    with server.client() as client:
        library = client.get("/readyz").json()["checks"]["library"]
    assert library["ok"]
    assert library["last_sync_error"]["at"]  # it is remembered
    tell(SYNC_E, points=1)
