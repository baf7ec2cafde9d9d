"""`sarau upload` against a real server that goes away in the middle."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.servers import Server
from tests.sounds import write_music


def _upload(server: Server, home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sarau", "upload", "--server", server.url]
    return subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home)},
    )


def test_files_are_sent_and_waited_for(server: Server, tmp_path: Path) -> None:
    good = write_music(tmp_path / "a.wav")
    bad = tmp_path / "b.mp3"
    bad.write_bytes(b"no music")
    done = _upload(server, tmp_path, good, bad, "--wait", "--preset", "podcast")
    assert done.returncode == 1, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "a.wav: ready"
    assert second.startswith("b.mp3: rejected ")
    with server.client() as client:
        items = client.get("/api/v1/tracks").json()["items"]
    assert {one["preset"] for one in items} == {"podcast"}


def test_a_file_that_is_there_already_is_not_sent_again(server: Server, tmp_path: Path) -> None:
    path = write_music(tmp_path / "a.wav", seconds=30)
    assert _upload(server, tmp_path, path, "--wait", "--json").returncode == 0
    assert _upload(server, tmp_path, path, "--wait", "--preset", "archive").returncode == 0
    with server.client() as client:
        second, first = client.get("/api/v1/tracks").json()["items"]
        events = client.get(f"/api/v1/tracks/{second['id']}/events").json()["items"]
    assert second["duplicate_of"] == first["id"]
    kinds = [event["kind"] for event in events]
    assert kinds.index("upload.stored") < kinds.index("track.received")  # nothing was received


def test_an_upload_goes_on_when_the_server_comes_back(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = make_server()
    path = tmp_path / "long.wav"
    write_music(path, seconds=400)  # more than one request

    def restart() -> None:
        time.sleep(1.0)
        server.kill()
        time.sleep(0.5)
        server.start()

    thread = threading.Thread(target=restart)
    thread.start()
    done = _upload(server, tmp_path, path)
    thread.join()
    assert done.returncode == 0, done.stderr
    with server.client() as client:
        (track,) = client.get("/api/v1/tracks").json()["items"]
    assert track["upload"]["offset_bytes"] == path.stat().st_size
    assert track["state"] in {"received", "processing", "ready"}


def test_a_refused_upload_says_why(server: Server, tmp_path: Path) -> None:
    done = _upload(server, tmp_path, write_music(tmp_path / "a.wav"), "--token", "unneeded")
    assert done.returncode == 0
    closed = Server(tmp_path / "closed", SARAU_TOKEN="secret").start()
    try:
        refused = _upload(closed, tmp_path, tmp_path / "a.wav")
    finally:
        closed.kill()
    assert refused.returncode == 3
    assert "SARAU" in refused.stderr or "token" in refused.stderr
