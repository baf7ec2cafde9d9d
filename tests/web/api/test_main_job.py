"""The main job over HTTP, on a real server with the real engine."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
from PIL import Image
from tests.meters import ebur128
from tests.servers import Server
from tests.sounds import write_music


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, music: list[Path]) -> Any:
    """A real MP3 that went all the way, with its server."""
    server = Server(tmp_path_factory.mktemp("ready") / "data").start()
    track = server.send(music[1], preset="podcast")
    yield server, server.wait_for(track["id"], "ready", "failed", "rejected"), music[1]
    server.kill()


def test_real_music_becomes_ready_with_every_rendition(ready: Any) -> None:
    _, track, sent = ready
    assert (track["state"], track["code"]) == ("ready", None)
    assert [one["name"] for one in track["renditions"]] == ["flac", "mp3", "aac", "opus"]
    assert track["source"]["sha256"] == hashlib.sha256(sent.read_bytes()).hexdigest()
    assert {one["verdict"] for one in track["renditions"]} == {"passed"}


def test_another_meter_agrees_with_the_evidence(ready: Any, tmp_path: Path) -> None:
    server, track, _ = ready
    for rendition in track["renditions"]:
        path = tmp_path / f"x.{rendition['extension']}"
        with server.client() as client:
            path.write_bytes(client.get(rendition["url"]).content)
        integrated_lufs, true_peak_dbtp = ebur128(path)
        assert abs(integrated_lufs - -16.0) <= 0.3, rendition["name"]
        assert true_peak_dbtp <= -1.0, rendition["name"]
        assert abs(integrated_lufs - rendition["loudness"]["integrated_lufs"]) <= 0.1


def test_the_source_comes_back_untouched(ready: Any) -> None:
    server, track, sent = ready
    with server.client() as client:
        answer = client.get(track["source"]["url"])
    assert answer.content == sent.read_bytes()
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_renditions_are_served_by_range_with_a_validator(ready: Any) -> None:
    server, track, _ = ready
    rendition = track["renditions"][0]
    with server.client() as client:
        whole = client.get(rendition["url"])
        part = client.get(rendition["url"], headers={"Range": "bytes=100-199"})
        past = client.get(rendition["url"], headers={"Range": f"bytes={len(whole.content)}-"})
        known = client.get(rendition["url"], headers={"If-None-Match": whole.headers["etag"]})
        saved = client.get(rendition["url"], params={"download": "1"})
    assert whole.headers["content-type"] == "audio/flac"
    assert whole.headers["etag"] == f'"{hashlib.sha256(whole.content).hexdigest()}"'
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert past.status_code == 416
    assert (known.status_code, known.content) == (304, b"")
    assert saved.headers["content-disposition"] == 'attachment; filename="machine_wars.flac"'


def test_all_renditions_come_in_one_zip(ready: Any) -> None:
    server, track, _ = ready
    with server.client() as client:
        answer = client.get(f"/api/v1/tracks/{track['id']}/archive.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == [
            f"machine_wars.{extension}" for extension in ("flac", "m4a", "mp3", "opus")
        ]


def test_what_can_be_fetched_can_be_asked_for_its_head_alone(ready: Any) -> None:
    server, track, _ = ready
    addresses = [track["source"]["url"], *(one["url"] for one in track["renditions"])]
    with server.client() as client:
        for address in addresses:
            head, whole = client.head(address), client.get(address)
            assert (head.status_code, head.content) == (200, b""), address
            for name in ("content-length", "content-type", "etag"):
                assert head.headers[name] == whole.headers[name]
        head = client.head(f"/api/v1/tracks/{track['id']}/archive.zip")
    assert (head.status_code, head.headers["content-type"]) == (200, "application/zip")


def test_the_waveform_is_in_audiowaveforms_format(ready: Any) -> None:
    server, track, _ = ready
    with server.client() as client:
        found = client.get(f"/api/v1/tracks/{track['id']}/waveform.json").json()
    assert (found["version"], found["bits"]) == (2, 8)
    assert len(found["data"]) == 2 * found["channels"] * found["length"]
    seconds = found["length"] * found["samples_per_pixel"] / found["sample_rate"]
    assert seconds == pytest.approx(track["source"]["duration_s"], abs=0.1)
    assert max(found["data"]) > 60


def test_the_record_tells_the_whole_history_in_order(ready: Any) -> None:
    server, track, _ = ready
    with server.client() as client:
        items = client.get(f"/api/v1/tracks/{track['id']}/events").json()["items"]
    assert [item["number"] for item in items] == sorted(item["number"] for item in items)
    stages = [item["data"]["stage"] for item in items if item["kind"] == "run.stage"]
    assert stages == ["validate", "store", "render", "verify", "publish"]
    states = [item["kind"] for item in items if item["kind"].startswith("track.")]
    assert states == ["track.created", "track.received", "track.processing", "track.ready"]


def test_a_track_survives_a_restart(make_server: Callable[..., Server], tmp_path: Path) -> None:
    server = make_server()
    track = server.send(write_music(tmp_path / "a.wav"))
    before = server.wait_for(track["id"], "ready")
    server.stop()
    server.start()
    with server.client() as client:
        assert client.get(f"/api/v1/tracks/{track['id']}").json() == before


def test_names_can_be_changed_and_found(server: Server, tmp_path: Path) -> None:
    track = server.send(write_music(tmp_path / "demo_03.wav"))
    server.wait_for(track["id"], "ready")
    url = f"/api/v1/tracks/{track['id']}"
    with server.client() as client:
        client.patch(url, json={"title": "Águas de março", "artist": "Zé"})
        found = client.get("/api/v1/tracks", params={"q": "março"}).json()["items"]
        assert [(one["title"], one["artist"]) for one in found] == [("Águas de março", "Zé")]
        assert client.get("/api/v1/tracks", params={"q": "nothing"}).json()["items"] == []
        saved = client.get(f"{url}/renditions/flac", params={"download": "1"})
        wanted = "attachment; filename*=utf-8''Z%C3%A9%20-%20%C3%81guas%20de%20mar%C3%A7o.flac"
        assert saved.headers["content-disposition"] == wanted
        assert client.patch(url, json={"owner_id": "me"}).status_code == 422


def test_a_deleted_track_is_gone_for_its_owner(server: Server, tmp_path: Path) -> None:
    track = server.send(write_music(tmp_path / "a.wav"))
    server.wait_for(track["id"], "ready")
    with server.client() as client:
        assert client.delete(f"/api/v1/tracks/{track['id']}").status_code == 204
        for path in ("", "/renditions/flac", "/source", "/events", "/waveform.json", "/insight"):
            answer = client.get(f"/api/v1/tracks/{track['id']}{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
        assert client.get("/api/v1/tracks").json()["items"] == []


def test_a_run_can_be_cancelled_and_retried(server: Server, tmp_path: Path) -> None:
    track = server.send(write_music(tmp_path / "long.wav", seconds=120))
    server.wait_for(track["id"], "processing")
    with server.client() as client:
        cancelled = client.post(f"/api/v1/tracks/{track['id']}/cancel").json()
        assert (cancelled["state"], cancelled["run"]["state"]) == ("cancelled", "cancelled")
        assert client.post(f"/api/v1/tracks/{track['id']}/cancel").status_code == 409
        again = client.post(f"/api/v1/tracks/{track['id']}/retry").json()
    assert again["run"]["attempt"] == 2
    assert server.wait_for(track["id"], "ready", "failed")["state"] == "ready"


def test_live_events_continue_after_the_last_one_seen(server: Server, tmp_path: Path) -> None:
    track = server.send(write_music(tmp_path / "a.wav"))
    server.wait_for(track["id"], "ready")

    def numbers(headers: dict[str, str], until: str) -> list[int]:
        found = []
        with (
            server.client() as client,
            client.stream("GET", "/api/v1/events", params={"after": 0}, headers=headers) as answer,
        ):
            assert answer.headers["content-type"].startswith("text/event-stream")
            for line in answer.iter_lines():
                if line.startswith("data: ") and '"number"' in line:
                    event = json.loads(line.removeprefix("data: "))
                    found.append(event["number"])
                    if event["kind"] == until:
                        return found
        raise AssertionError("the stream ended")

    everything = numbers({}, "track.ready")
    assert everything == list(range(1, len(everything) + 1))
    assert numbers({"Last-Event-ID": "3"}, "track.ready") == everything[3:]


def test_a_listener_hears_of_each_stage_as_it_happens(server: Server, tmp_path: Path) -> None:
    heard: list[str] = []
    with server.client() as client, client.stream("GET", "/api/v1/events") as answer:
        assert answer.status_code == httpx.codes.OK
        server.send(write_music(tmp_path / "a.wav", seconds=20))
        kind = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            if line.startswith("data: "):
                data = json.loads(line.removeprefix("data: "))
                heard.append(data["kind"] if kind == "record" else kind)
                if heard[-1] == "track.ready":
                    break
    assert heard[:2] == ["track.created", "upload.created"]
    assert "progress" in heard
    assert heard.count("run.stage") == 5


def test_the_quality_report_and_its_pictures_are_served(ready: Any) -> None:
    server, track, _ = ready
    base = f"/api/v1/tracks/{track['id']}"
    with server.client() as client:
        report = client.get(f"{base}/insight").json()
        said = client.get(f"{base}/insight", headers={"Accept-Language": "pt-BR"}).json()
        picture = client.get(f"{base}/spectrogram.png")
        drawn = client.get(f"{base}/loudness.svg")
        curve = client.get(f"{base}/loudness.json").json()
        small = client.get(f"{base}/waveform.json?pixels=300").json()
        whole = client.get(f"{base}/waveform.json").json()
        binary = client.get(f"{base}/waveform.dat?pixels=300").content
        assert client.get(f"{base}/waveform.json?pixels=0").status_code == 422
    assert report["tempo"]["bpm"] > 0
    assert report["cues"]["cue_out_s"] <= track["source"]["duration_s"] + 0.02
    assert [one["code"] for one in report["findings"]] == [one["code"] for one in said["findings"]]
    for english, portuguese in zip(report["findings"], said["findings"], strict=True):
        assert english["message"] != portuguese["message"]
    with Image.open(io.BytesIO(picture.content)) as image:
        assert image.format == "PNG"
        assert 320 <= image.width <= 640
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert ET.fromstring(drawn.text).tag.endswith("svg")
    highest = track["source"]["loudness"]["max_short_term_lufs"]
    assert max(curve["short_term_lufs"]) == pytest.approx(highest, abs=0.06)
    assert small["length"] <= 300 < whole["length"]
    assert max(small["data"]) == max(whole["data"])
    assert len(binary) == 24 + 2 * small["length"]
