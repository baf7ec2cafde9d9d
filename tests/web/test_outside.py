"""What can be seen of a real server from outside."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families
from tests.outages import MOST_S
from tests.servers import Server
from tests.sounds import write_music

from sarau.catalog import Database
from sarau.catalog.tables import uploads

Make = Callable[..., Server]
TOKEN = "canary-token-in-the-settings"


def events(server: Server) -> list[dict[str, Any]]:
    """Return what was logged; every line must be an event."""
    return [json.loads(line) for line in server.log if line.strip()]


def samples(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            key = tuple(value for _, value in sorted(one.labels.items()))
            found.setdefault(one.name, {})[key] = one.value
    return found


def test_one_id_leads_from_the_request_to_the_rendition(make_server: Make, tmp_path: Path) -> None:
    server = make_server(SARAU_LOG="json", SARAU_TOKEN=TOKEN)
    tone = write_music(tmp_path / "tone.wav")
    with server.client(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        answer = client.post(
            "/api/v1/tracks",
            params={"filename": "tone\r\n\x1b[2J.wav", "token": "canary-in-the-query"},
            content=tone.read_bytes(),
            headers={"X-Request-Id": "order-7", "Cookie": "sarau_session=canary-cookie"},
        )
        assert answer.status_code == httpx.codes.CREATED
        assert answer.headers["x-request-id"] == "order-7"
        track_id = answer.json()["id"]
        end = time.monotonic() + MOST_S
        while client.get(f"/api/v1/tracks/{track_id}").json()["state"] != "ready":
            assert time.monotonic() < end
            time.sleep(0.1)
        wrong = client.get("/api/v1/tracks", headers={"Authorization": "Bearer canary-wrong"})
        assert wrong.status_code == httpx.codes.UNAUTHORIZED
        metrics = client.get("/metrics")
    assert httpx.get(f"{server.url}/metrics", trust_env=False).status_code == 401
    server.kill()

    ours = [event for event in events(server) if event.get("request_id") == "order-7"]
    stages = [e["stage"] for e in ours if e["message"] == "stage" and e["outcome"] == "done"]
    assert stages == ["validate", "store", "render", "verify", "adopt", "publish"]
    children = [event for event in ours if event["message"] == "engine child"]
    operations = [child["operation"] for child in children]
    measured = operations.count("measure")  # four renditions, by as many children as had a core
    assert 1 <= measured <= 4
    assert operations == ["analyse", "render", *["measure"] * measured, "tag"]
    assert all(child["cpu_s"] > 0 and child["max_rss_bytes"] > 10 << 20 for child in children)
    assert {event["track_id"] for event in ours if "run_id" in event} == {track_id}
    assert any(e["message"] == "request" and e["status"] == 201 for e in ours)
    assert "canary" not in "".join(server.log)
    assert all(line.rstrip("\n").isprintable() for line in server.log)

    found = samples(metrics.text)
    assert found["sarau_tracks"][("ready",)] == 1
    assert found["sarau_queue_runs"] == {("queued",): 0, ("running",): 0}
    assert found["sarau_upload_bytes_total"][()] == tone.stat().st_size
    for stage in stages:
        assert found["sarau_stage_duration_seconds_count"][("done", stage)] == 1
    assert found["sarau_engine_child_max_rss_bytes_count"][("analyse",)] == 1
    assert found["sarau_volume_ok"] == {("intake",): 1, ("library",): 1}
    assert found["sarau_workers"][()] == 1


def test_every_way_in_keeps_the_id(server: Server, tmp_path: Path) -> None:
    """Small bodies, bodies that the sink takes, forms, and tus create an upload differently."""
    data = write_music(tmp_path / "long.wav", seconds=8).read_bytes()
    size = {"Upload-Length": str(len(data)), "Tus-Resumable": "1.0.0"}
    patch = {"Content-Type": "application/offset+octet-stream"}
    with server.client() as client:
        plain = {"params": {"filename": "long.wav"}}
        sent = [
            client.post("/api/v1/tracks", content=data, headers={"X-Request-Id": "raw"}, **plain),
            client.post(
                "/api/v1/tracks", files={"file": data}, headers={"X-Request-Id": "form"}, **plain
            ),
            client.post("/files", headers={**size, "X-Request-Id": "tus"}),
            client.post("/files", headers={**size, **patch, "X-Request-Id": "whole"}, content=data),
        ]
        assert [answer.status_code for answer in sent] == [201] * 4
        client.patch(
            sent[2].headers["location"],
            headers={**size, **patch, "Upload-Offset": "0", "X-Request-Id": "later"},
            content=data,
        ).raise_for_status()
    server.kill()
    catalog = Database(f"sqlite:///{server.data / 'sarau.db'}")
    with catalog.read() as connection:
        kept = connection.execute(sa.select(uploads.c.request_id).order_by(uploads.c.id))
        assert kept.scalars().all() == ["raw", "form", "tus", "whole"]
    catalog.close()


def test_a_rejection_is_counted_by_its_code(make_server: Make, tmp_path: Path) -> None:
    server = make_server()
    (tmp_path / "text.wav").write_bytes(b"this is no music\n" * 100)
    track = server.send(tmp_path / "text.wav")
    server.wait_for(track["id"], "rejected")
    with server.client() as client:
        found = samples(client.get("/metrics").text)
    assert found["sarau_stage_codes_total"] == {("not_audio", "validate"): 1}
    assert found["sarau_engine_child_codes_total"] == {("not_audio", "analyse"): 1}


@pytest.mark.parametrize("language", ["en", "pt-BR"])
def test_readyz_says_what_is_wrong(make_server: Make, language: str) -> None:
    server = make_server(SARAU_CLAMD="tcp:127.0.0.1:9")
    sentinel = server.data / "library" / ".sarau-volume"
    with server.client(headers={"Accept-Language": language}) as client:
        degraded = client.get("/readyz")
        assert degraded.status_code == httpx.codes.OK
        assert degraded.json()["status"] == "degraded"
        scanner = degraded.json()["checks"]["scanner"]
        assert (scanner["ok"], scanner["code"]) == (False, "scanner_unavailable")
        sentinel.rename(sentinel.with_name("gone"))
        end = time.monotonic() + MOST_S
        while (broken := client.get("/readyz")).is_success:
            assert time.monotonic() < end
            time.sleep(0.05)  # what was found is told for a second
        found = samples(client.get("/metrics").text)
    assert broken.status_code == httpx.codes.SERVICE_UNAVAILABLE
    library = broken.json()["checks"]["library"]
    assert library["code"] == "volume_missing"
    assert library["message"].startswith("Um volume" if language == "pt-BR" else "A volume")
    assert found["sarau_volume_ok"][("library",)] == 0


def test_readyz_tells_everything_about_both_volumes_engine_and_scanner(server: Server) -> None:
    with server.client() as client:
        found = client.get("/readyz").json()["checks"]
    assert set(found) == {
        *("database", "intake", "library", "queue", "worker", "engine", "scanner"),
    }
    for role in ("intake", "library"):
        told = found[role]
        assert (told["ok"], told["sentinel"], told["code"]) == (True, "own", None)
        assert told["free_bytes"] > 0
        assert told["free_inodes"] > 0
        assert Path(told["mount_point"]).is_mount()
        assert told["last_sync_error"] is None
    assert found["engine"]["ok"]
    assert found["scanner"] == {"ok": True, "used": False}


def test_readyz_gives_details_only_to_who_brings_the_token(make_server: Make) -> None:
    server = make_server(SARAU_CLAMD="tcp:127.0.0.1:9", SARAU_TOKEN=TOKEN)
    with server.client() as stranger:
        checks = stranger.get("/readyz").json()["checks"]
        seen = checks["scanner"]
    with server.client(headers={"Authorization": f"Bearer {TOKEN}"}) as expert:
        told = expert.get("/readyz").json()["checks"]["scanner"]
    assert seen["code"] == told["code"] == "scanner_unavailable"
    assert "detail" not in seen
    assert not {"mount_point", "last_sync_error", "detail"} & set(checks["intake"])
    assert told["detail"]
