"""PostgreSQL that goes away and comes back while real clients send."""

import hashlib
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from tests.hanging import HangingDoor
from tests.postgresql import Postgresql
from tests.servers import Server, Worker
from tests.sounds import write_music

MakeServer = Callable[..., Server]
MakeWorker = Callable[..., Worker]
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


def test_uploads_and_work_go_on_after_an_outage(
    make_server: MakeServer, own_postgresql: Postgresql, tmp_path: Path
) -> None:
    server = make_server(SARAU_DATABASE_URL=own_postgresql.new_database())
    sender = Sender(server, write_music(tmp_path / "a.wav", seconds=6))
    with ThreadPoolExecutor() as threads:
        sending = threads.submit(sender.send)
        _wait_for(lambda: sender.acknowledged > 0)
        own_postgresql.crash()
        _wait_for(lambda: sender.refusals > 1)
        _check_refusals(server)
        own_postgresql.come_back()
        sending.result()
    sender.check()


@pytest.mark.soak
def test_many_uploads_and_a_worker_go_on_after_two_outages(
    make_server: MakeServer, make_worker: MakeWorker, own_postgresql: Postgresql, tmp_path: Path
) -> None:
    url = own_postgresql.new_database()
    server = make_server("--no-worker", SARAU_DATABASE_URL=url)
    worker = make_worker(server.data, SARAU_DATABASE_URL=url)
    worker.wait_until_it_says("runs at once")
    # Made ready while the others arrive: what it is at is interrupted, too.
    at_work = server.send(write_music(tmp_path / "long.wav", seconds=240))["id"]
    server.wait_for(at_work, "processing", "ready")
    senders = [
        Sender(server, write_music(tmp_path / f"{seed}.wav", seconds=15, seed=seed))
        for seed in range(6)
    ]
    with ThreadPoolExecutor(len(senders)) as threads:
        sending = [threads.submit(sender.send) for sender in senders]
        for _ in range(2):
            _wait_for_each(senders, "acknowledged")
            own_postgresql.crash()
            _wait_for_each(senders, "refusals")
            _check_refusals(server)
            time.sleep(4)
            own_postgresql.come_back()
        for one in sending:
            one.result()
    for sender in senders:
        sender.check()
    assert server.wait_for(at_work, "ready", "failed")["state"] == "ready"
    assert worker.end(signal.SIGTERM) == 0


def _check_refusals(server: Server) -> None:
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


def _wait_for_each(senders: list[Sender], what: str) -> None:
    """Wait until a count of every sender has grown."""
    before = [getattr(sender, what) for sender in senders]
    _wait_for(lambda: all(getattr(s, what) > b for s, b in zip(senders, before, strict=True)))


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + MOST_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def hanging_door(own_postgresql: Postgresql) -> Iterator[HangingDoor]:
    door = HangingDoor(own_postgresql.socket)
    yield door
    door.close()


@pytest.mark.soak
def test_a_database_that_hangs_is_one_that_is_away(
    make_server: MakeServer,
    own_postgresql: Postgresql,
    hanging_door: HangingDoor,
    tmp_path: Path,
) -> None:
    socket = sa.make_url(own_postgresql.new_database())
    address = f"postgresql+psycopg://postgres@127.0.0.1:{hanging_door.port}/{socket.database}"
    server = make_server(SARAU_DATABASE_URL=address, SARAU_DATABASE_ANSWER_S="2")
    sent = [server.send(write_music(tmp_path / "before.wav", seed=1), preset="archive")["id"]]
    server.wait_for(sent[0], "ready")
    hanging_door.hang()
    with server.client() as client:
        for _ in range(3):
            answer = client.get("/api/v1/tracks")
            assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
            refused = _post(client, write_music(tmp_path / "meanwhile.wav", seed=2))
            assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
        assert client.get("/readyz").status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert client.get("/healthz").status_code == httpx.codes.OK
        hanging_door.heal()
        end = time.monotonic() + MOST_S
        path = write_music(tmp_path / "after.wav", seed=3)
        while (answer := _post(client, path)).status_code != httpx.codes.CREATED:
            assert time.monotonic() < end, answer.text
            time.sleep(0.2)
        sent.append(answer.json()["id"])
        server.wait_for(sent[1], "ready", timeout_s=MOST_S)
        shown = client.get("/api/v1/tracks").json()["items"]
    assert {track["id"] for track in shown if track["state"] == "ready"} == set(sent)


def _post(client: httpx.Client, path: Path) -> httpx.Response:
    query = {"filename": path.name, "preset": "archive"}
    return client.post("/api/v1/tracks", params=query, content=path.read_bytes())
