"""Real clients finish through interruptions, bytes equal."""

import asyncio
import hashlib
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiotus
import httpx
import pytest
from tusclient import client as tuspy

from sarau.model.lifecycle import UploadState

MIB = 1 << 20
TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "song.wav"
    path.write_bytes(os.urandom(30 * MIB))
    return path


def send_with_tuspy(server: Any, song: Path, chunk: int = 4 * MIB) -> str:
    with song.open("rb") as stream:
        uploader = tuspy.TusClient(server.files).uploader(
            file_stream=stream,
            chunk_size=chunk,
            retries=600,
            retry_delay=0.1,
            metadata={"filename": "song.wav"},
        )
        uploader.upload()
    return str(uploader.url)


def send_with_aiotus(server: Any, song: Path) -> str:
    async def send() -> str:
        retry = aiotus.RetryConfiguration(retry_attempts=300, max_retry_period_seconds=0.2)
        with song.open("rb") as file:
            url = await aiotus.upload(
                server.files, file, {"filename": b"song.wav"}, config=retry, chunksize=1 << 19
            )
        assert url is not None
        return str(url)

    return asyncio.run(send())


def send_with_curl(server: Any, song: Path) -> str:
    """Continue by hand what a shell script would: ask for the offset, send the rest."""
    location = server.create(song.stat().st_size)
    rest = song.with_suffix(".rest")
    for _ in range(600):
        try:
            offset = server.offset(location)
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        rest.write_bytes(song.read_bytes()[offset:])
        command = ["curl", "-sS", "-X", "PATCH", "-T", str(rest), "-H", "Tus-Resumable: 1.0.0"]
        command += ["-H", f"Upload-Offset: {offset}", "--limit-rate", "40M"]
        command += ["-H", "Content-Type: application/offset+octet-stream", location]
        if subprocess.run(command, check=False).returncode == 0:
            return str(location)
    raise AssertionError("curl never finished")


SENDERS = [send_with_tuspy, send_with_aiotus, send_with_curl]


def check(server: Any, location: str, song: Path) -> None:
    upload = server.upload(location)
    assert upload.state is UploadState.RECEIVED
    assert server.content(location) == song.read_bytes()
    expected = hashlib.sha256(song.read_bytes()).hexdigest()
    assert upload.sha256 in {None, expected}
    assert len(server.tracks()) == 1


@pytest.mark.parametrize("send", SENDERS)
def test_a_client_sends_a_file(
    own_server: Any, song: Path, send: Callable[[Any, Path], str]
) -> None:
    check(own_server, send(own_server, song), song)


@pytest.mark.parametrize("send", SENDERS)
def test_a_client_goes_on_after_the_server_was_killed(
    own_server: Any, song: Path, send: Callable[[Any, Path], str]
) -> None:
    done = threading.Event()

    def trouble() -> None:
        while not own_server.tracks():
            time.sleep(0.01)
        for wait_s in (0.05, 0.3, 0.6):
            if done.wait(wait_s):
                return
            own_server.kill()
            own_server.start()

    killer = threading.Thread(target=trouble)
    killer.start()
    location = send(own_server, song)
    done.set()
    killer.join()
    check(own_server, location, song)
