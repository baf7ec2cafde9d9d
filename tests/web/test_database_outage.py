"""PostgreSQL that goes away and comes back while real clients send."""

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from tests.hanging import HangingDoor
from tests.outages import MOST_S, Sender, check_refusals, wait_until
from tests.postgresql import Postgresql
from tests.servers import Server, Worker
from tests.sounds import write_music

MakeServer = Callable[..., Server]
MakeWorker = Callable[..., Worker]


def test_uploads_and_work_go_on_after_an_outage(
    make_server: MakeServer, own_postgresql: Postgresql, tmp_path: Path
) -> None:
    server = make_server(SARAU_DATABASE_URL=own_postgresql.new_database())
    sender = Sender(server, write_music(tmp_path / "a.wav", seconds=6))
    with ThreadPoolExecutor() as threads:
        sending = threads.submit(sender.send)
        wait_until(lambda: sender.acknowledged > 0)
        own_postgresql.crash()
        wait_until(lambda: sender.refusals > 1)
        check_refusals(server)
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
            check_refusals(server)
            time.sleep(4)
            own_postgresql.come_back()
        for one in sending:
            one.result()
    for sender in senders:
        sender.check()
    assert server.wait_for(at_work, "ready", "failed")["state"] == "ready"
    assert worker.end(signal.SIGTERM) == 0


def _wait_for_each(senders: list[Sender], what: str) -> None:
    """Wait until a count of every sender has grown."""
    before = [getattr(sender, what) for sender in senders]
    wait_until(lambda: all(getattr(s, what) > b for s, b in zip(senders, before, strict=True)))


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
