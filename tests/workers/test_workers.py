"""Web hosts and workers as processes of their own, over one database."""

import hashlib
import os
import re
import signal
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.postgresql import Postgresql
from tests.servers import Server, Worker
from tests.sounds import write_music

MakeServer = Callable[..., Server]
MakeWorker = Callable[..., Worker]
TAKEN_OVER_WITHIN_S = 30


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shared.db'}"
    url: str = request.getfixturevalue("postgresql").new_catalog()
    return url


def test_a_worker_without_the_intake_makes_ready_what_a_web_host_receives(
    make_server: MakeServer, make_worker: MakeWorker, database_url: str, tmp_path: Path
) -> None:
    web = make_server("--no-worker", SARAU_DATABASE_URL=database_url)
    waiting = web.send(write_music(tmp_path / "a.wav"), preset="archive")
    elsewhere = {"SARAU_INTAKE": str(tmp_path / "nothing"), "SARAU_DATABASE_URL": database_url}
    worker = make_worker(web.data, **elsewhere)
    worker.wait_until_it_says("runs at once")
    with web.client() as client:
        shown = client.get("/api/v1/workers").json()["items"]
    # The web host promotes files and takes no run.
    assert [one["concurrency"] for one in shown] == [0, len(os.sched_getaffinity(0))]
    assert [one["queues"] for one in shown][1] == ["tracks", "groups"]
    ready = web.wait_for(waiting["id"], "ready", "failed")
    assert (ready["state"], ready["upload"]["state"]) == ("ready", "stored")
    known = web.wait_for(_say_the_hash(web, tmp_path / "a.wav"), "ready", "failed")
    assert (known["state"], known["duplicate_of"]) == ("ready", waiting["id"])
    (tmp_path / "b.wav").write_bytes(b"no sound")
    rejected = web.wait_for(web.send(tmp_path / "b.wav")["id"], "rejected", "failed")
    assert (rejected["state"], rejected["upload"]["state"]) == ("rejected", "discarded")
    assert not [one for one in (web.data / "intake" / "uploads").iterdir() if one.is_file()]
    assert not (tmp_path / "nothing").exists()
    assert worker.end(signal.SIGTERM) == 0


def test_a_worker_shows_its_own_figures_to_who_brings_the_token(
    make_server: MakeServer, make_worker: MakeWorker, tmp_path: Path
) -> None:
    web = make_server("--no-worker")
    worker = make_worker(web.data, SARAU_METRICS_PORT="0", SARAU_TOKEN="a-token")
    worker.wait_until_it_says("runs at once")
    url = re.search(r"figures are at (\S+)", worker.log.read_text())
    assert url is not None
    ready = web.wait_for(
        web.send(write_music(tmp_path / "a.wav"), preset="archive")["id"], "ready", "failed"
    )
    assert ready["state"] == "ready"
    bearer = {"Authorization": "Bearer a-token"}
    with httpx.Client(trust_env=False) as client:
        assert client.get(url[1]).status_code == httpx.codes.UNAUTHORIZED
        assert client.get(url[1].replace("metrics", "healthz")).status_code == httpx.codes.OK
        assert client.get(url[1].replace("metrics", "x")).status_code == httpx.codes.NOT_FOUND
        text = client.get(url[1], headers=bearer).text
    assert 'sarau_stage_duration_seconds_count{outcome="done",stage="render"} 1.0' in text
    assert "sarau_workers 1.0" in text
    assert 'sarau_volume_ok{volume="library"} 1.0' in text
    with web.client() as client:
        shown = client.get("/api/v1/workers").json()
    assert [one["doing"] for one in shown["items"]] == [[], []]


def _say_the_hash(web: Server, path: Path) -> str:
    """Create an upload of known bytes, which are not sent; return its track."""
    data = path.read_bytes()
    said = {
        "filename": "again.wav",
        "preset": "archive",
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    coded = [f"{key} {b64encode(value.encode()).decode()}" for key, value in said.items()]
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(len(data)),
        "Upload-Metadata": ",".join(coded),
    }
    with web.client() as client:
        answer = client.post("/files/", headers=headers)
    assert answer.headers["Upload-Offset"] == str(len(data))
    return answer.headers["Sarau-Track"]


@pytest.mark.soak
def test_another_worker_takes_over_from_a_killed_one(
    make_server: MakeServer, make_worker: MakeWorker, database_url: str, tmp_path: Path
) -> None:
    web = make_server("--no-worker", SARAU_DATABASE_URL=database_url)
    first = make_worker(web.data, SARAU_DATABASE_URL=database_url)
    track = web.send(write_music(tmp_path / "a.wav", seconds=120))
    _wait_until_running(web, track["id"])
    heir = make_worker(web.data, SARAU_DATABASE_URL=database_url)
    heir.wait_until_it_says("runs at once")
    first.end(signal.SIGKILL)
    _wait_until_taken_over(web, heir)
    assert web.wait_for(track["id"], "ready", "failed")["state"] == "ready"
    kinds = [event["kind"] for event in _events(web, track["id"])]
    assert kinds.count("track.ready") == 1


@pytest.mark.soak
def test_another_worker_takes_over_from_one_that_hangs(
    make_server: MakeServer, make_worker: MakeWorker, postgresql: Postgresql, tmp_path: Path
) -> None:
    url = postgresql.new_catalog()
    web = make_server("--no-worker", SARAU_DATABASE_URL=url)
    hung = make_worker(web.data, SARAU_DATABASE_URL=url)
    track = web.send(write_music(tmp_path / "a.wav", seconds=120))
    _wait_until_running(web, track["id"])
    hung.process.send_signal(signal.SIGSTOP)
    heir = make_worker(web.data, SARAU_DATABASE_URL=url)
    _wait_until_taken_over(web, heir)
    hung.process.send_signal(signal.SIGCONT)
    assert web.wait_for(track["id"], "ready", "failed")["state"] == "ready"
    kinds = [event["kind"] for event in _events(web, track["id"])]
    assert kinds.count("track.ready") == 1


def test_a_worker_that_is_told_to_stop_finishes_what_it_is_at(
    make_server: MakeServer, make_worker: MakeWorker, database_url: str, tmp_path: Path
) -> None:
    web = make_server("--no-worker", SARAU_DATABASE_URL=database_url)
    worker = make_worker(web.data, SARAU_DATABASE_URL=database_url, SARAU_WORKERS="1")
    at_work = web.send(write_music(tmp_path / "a.wav", seconds=20))
    _wait_until_running(web, at_work["id"])
    worker.process.send_signal(signal.SIGTERM)
    worker.wait_until_it_says("draining")
    time.sleep(1)
    waiting = web.send(write_music(tmp_path / "b.wav", seed=2))
    assert worker.process.wait(timeout=90) == 0
    assert web.wait_for(at_work["id"], "ready", "failed")["state"] == "ready"
    assert web.wait_for(waiting["id"], "received", timeout_s=1)
    assert "handed back" not in worker.log.read_text()


@pytest.mark.soak
def test_what_is_not_finished_in_time_is_handed_back_at_once(
    make_server: MakeServer, make_worker: MakeWorker, database_url: str, tmp_path: Path
) -> None:
    web = make_server("--no-worker", SARAU_DATABASE_URL=database_url)
    worker = make_worker(web.data, SARAU_DATABASE_URL=database_url, SARAU_DRAIN_S="1")
    track = web.send(write_music(tmp_path / "a.wav", seconds=120))
    _wait_until_running(web, track["id"])
    heir = make_worker(web.data, SARAU_DATABASE_URL=database_url)
    heir.wait_until_it_says("runs at once")
    assert worker.end(signal.SIGTERM) == 0
    assert "handed back" in worker.log.read_text()
    assert web.wait_for(track["id"], "ready", "failed")["state"] == "ready"
    assert not _was_taken_over(web, heir)


def test_a_track_is_cancelled_on_whatever_machine_works_on_it(
    make_server: MakeServer, make_worker: MakeWorker, database_url: str, tmp_path: Path
) -> None:
    web = make_server("--no-worker", SARAU_DATABASE_URL=database_url)
    make_worker(web.data, SARAU_DATABASE_URL=database_url, SARAU_WORKERS="1")
    track = web.send(write_music(tmp_path / "a.wav", seconds=120))
    _wait_until_running(web, track["id"])
    with web.client() as client:
        assert client.post(f"/api/v1/tracks/{track['id']}/cancel").status_code == httpx.codes.OK
        after = web.send(write_music(tmp_path / "b.wav", seed=2), preset="archive")
        assert web.wait_for(after["id"], "ready", "failed", timeout_s=60)["state"] == "ready"
        # The one place was free again: the cancelled run gave it back.
        assert client.get(f"/api/v1/tracks/{track['id']}").json()["state"] == "cancelled"


def _was_taken_over(web: Server, heir: Worker) -> bool:
    """Every process looks for the dead; whoever sees one first gives its runs to all."""
    return "taking over" in heir.log.read_text() + "".join(web.log)


def _wait_until_taken_over(web: Server, heir: Worker) -> None:
    end = time.monotonic() + TAKEN_OVER_WITHIN_S
    while not _was_taken_over(web, heir):
        assert time.monotonic() < end, heir.log.read_text()
        time.sleep(0.05)


def _wait_until_running(web: Server, track_id: str) -> None:
    end = time.monotonic() + 60
    with web.client() as client:
        while True:
            run = client.get(f"/api/v1/tracks/{track_id}").json()["run"]
            if run["state"] == "running":
                return
            assert time.monotonic() < end, run
            time.sleep(0.05)


def _events(web: Server, track_id: str) -> list[dict[str, str]]:
    with web.client() as client:
        found: list[dict[str, str]] = client.get(f"/api/v1/tracks/{track_id}/events").json()[
            "items"
        ]
    return found
