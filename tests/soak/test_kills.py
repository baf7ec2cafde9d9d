"""Kill the server, again and again, while people send music."""

import hashlib
import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import IO, Any

import pytest
import requests
from tests.servers import Server
from tests.sounds import write_music
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

UPLOADS = 30
KILLS = 20
SENDERS = 3
CHUNK_BYTES = 128 << 10

_TROUBLE = (TusCommunicationError, requests.RequestException)


class Sender(threading.Thread):
    """Sends files one by one with tuspy, and never gives up."""

    def __init__(self, server: Server, files: list[Path], rng: random.Random) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._files = files
        self._rng = rng

    def run(self) -> None:
        for path in self._files:
            self._send(path)

    def _send(self, path: Path) -> None:
        with path.open("rb") as file:
            self._send_file(path, file)

    def _send_file(self, path: Path, file: IO[bytes]) -> None:
        url = None
        while True:
            try:
                client = TusClient(f"{self._server.url}/files/")
                uploader = client.uploader(
                    file_stream=file,
                    chunk_size=CHUNK_BYTES,
                    metadata={"filename": path.name},
                    url=url,
                )
                if url is None:
                    uploader.set_url(uploader.create_url())
                    url = uploader.url
                while uploader.offset < path.stat().st_size:
                    uploader.upload_chunk()
                    time.sleep(self._rng.uniform(0, 0.25))
            except _TROUBLE:
                time.sleep(0.2)
            else:
                return


def _settled(server: Server) -> list[dict[str, Any]]:
    """Return the tracks that somebody sent whole, once none of them is being worked on."""
    end = time.monotonic() + 240
    while True:
        with server.client() as client:
            found = client.get("/api/v1/tracks", params={"limit": 200}).json()["items"]
        # A creation whose answer was lost leaves an upload that nobody continues.
        sent = [track for track in found if track["state"] != "receiving"]
        if len(sent) >= UPLOADS and all(track["state"] == "ready" for track in sent):
            return sent
        assert time.monotonic() < end, Counter(track["state"] for track in found)
        time.sleep(0.5)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_nothing_is_lost_or_doubled_when_the_server_is_killed_at_random(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    rng = random.Random(seed)
    print(f"\nseed {seed}")
    files = [
        write_music(tmp_path / f"song{n:02}.wav", seconds=rng.uniform(1.5, 4), seed=n)
        for n in range(UPLOADS)
    ]
    server = Server(tmp_path / "data").start()
    senders = [Sender(server, files[n::SENDERS], random.Random(seed + n)) for n in range(SENDERS)]
    for sender in senders:
        sender.start()
    killed_while = Counter()
    for _ in range(KILLS):
        time.sleep(rng.uniform(0.3, 2.0))
        killed_while["uploading" if any(s.is_alive() for s in senders) else "processing"] += 1
        server.kill()
        server.start()
    for sender in senders:
        sender.join(timeout=300)
        assert not sender.is_alive()
    tracks = _settled(server)
    names = Counter(track["filename"] for track in tracks)
    with server.client() as client:
        for track in tracks:
            sent = (tmp_path / track["filename"]).read_bytes()
            assert client.get(track["source"]["url"]).content == sent
            for rendition in track["renditions"]:
                got = client.get(rendition["url"]).content
                assert hashlib.sha256(got).hexdigest() == rendition["sha256"]
            kinds = Counter(
                event["kind"]
                for event in client.get(f"/api/v1/tracks/{track['id']}/events").json()["items"]
            )
            assert (kinds["track.received"], kinds["track.ready"]) == (1, 1)
    server.kill()
    print(
        f"{UPLOADS} uploads, {KILLS} kills ({dict(killed_while)}): {len(tracks)} ready,"
        f" {len(names)} names, {sum(n - 1 for n in names.values())} doubled"
    )
    assert names == Counter(path.name for path in files)
