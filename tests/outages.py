"""A database that is away, as those who send see it."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from tests.servers import Server

TUS = {"Tus-Resumable": "1.0.0"}
PATCH = TUS | {"Content-Type": "application/offset+octet-stream"}
CHUNK_BYTES = 32 << 10
MOST_S = 120


class Sender:
    """A tus client that holds the server to each of its answers.

    It waits and asks again after a 503 `database_unavailable`, and takes no other error.
    """

    def __init__(self, server: Server, path: Path) -> None:
        self._server = server
        self._data = path.read_bytes()
        self.refusals = 0
        self.acknowledged = 0
        self.track_id = ""

    def send(self) -> None:
        """Send everything, in small pieces."""
        with self._server.client() as client:
            size = TUS | {"Upload-Length": str(len(self._data))}
            created = self._until(lambda: client.post("/files", headers=size), 201)
            location = created.headers["location"]
            self.track_id = created.headers["sarau-track"]
            offset = 0
            while offset < len(self._data):
                answer = client.patch(
                    location,
                    headers=PATCH | {"Upload-Offset": str(offset)},
                    content=self._data[offset : offset + CHUNK_BYTES],
                )
                if answer.status_code == httpx.codes.NO_CONTENT:
                    offset = self.acknowledged = int(answer.headers["upload-offset"])
                    time.sleep(0.02)
                    continue
                self._refused(answer)
                asked = self._until(lambda: client.head(location, headers=TUS), 200)
                offset = int(asked.headers["upload-offset"])
                assert offset >= self.acknowledged

    def _until(self, ask: Callable[[], httpx.Response], status: int) -> httpx.Response:
        end = time.monotonic() + MOST_S
        while (answer := ask()).status_code != status:
            self._refused(answer)
            assert time.monotonic() < end
            time.sleep(0.1)
        return answer

    def _refused(self, answer: httpx.Response) -> None:
        self.refusals += 1
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
        assert answer.headers["retry-after"] == "5"
        if answer.request.method != "HEAD":
            assert answer.json()["code"] == "database_unavailable"

    def check(self) -> None:
        """Wait for the track; it must become ready once, from the very bytes sent."""
        track = self._server.wait_for(self.track_id, "ready", "failed", "rejected")
        assert track["state"] == "ready", track
        assert track["source"]["sha256"] == hashlib.sha256(self._data).hexdigest()
        with self._server.client() as client:
            events = client.get(f"/api/v1/tracks/{self.track_id}/events").json()["items"]
        assert [event["kind"] for event in events].count("track.ready") == 1


def check_refusals(server: Server) -> None:
    """Ask every kind of door while the database is away."""
    with server.client() as client:
        for answer in (
            client.get("/api/v1/tracks"),
            client.post("/api/v1/tracks", params={"filename": "a.wav"}, content=b"abc"),
            client.post("/files", headers=TUS | {"Upload-Length": "3"}),
        ):
            assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
            assert answer.json()["code"] == "database_unavailable"
        ready = client.get("/readyz")
        assert ready.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert ready.json()["status"] == "not_ready"
        assert ready.json()["checks"]["database"]["code"] == "database_unavailable"
        assert client.get("/healthz").status_code == httpx.codes.OK


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + MOST_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
