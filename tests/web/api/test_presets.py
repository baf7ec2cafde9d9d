"""Presets over HTTP, on a real server with the real engine."""

import io
import unicodedata
import zipfile
from pathlib import Path

from tests.meters import ebur128
from tests.servers import Server
from tests.sounds import write_music

RADIO = {
    "name": "Rádio da manhã",
    "target_lufs": -18.0,
    "ceiling_dbtp": -2.0,
    "renditions": [
        {"format": "mp3", "bitrate_bps": 320_000},
        {"format": "aac", "bitrate_bps": 128_000},
        {"format": "alac"},
    ],
}


def test_own_presets_are_made_listed_changed_and_deleted(server: Server) -> None:
    with server.client() as client:
        made = client.post("/api/v1/presets", json=RADIO)
        assert made.status_code == 201, made.text
        assert [one["name"] for one in made.json()["renditions"]] == ["mp3", "aac", "alac"]
        assert made.json()["built_in"] is False
        listed = client.get("/api/v1/presets").json()["items"]
        assert listed == client.get("/api/v1/session").json()["presets"]
        assert [one["name"] for one in listed if not one["built_in"]] == [RADIO["name"]]
        url = f"/api/v1/presets/{RADIO['name']}"
        changed = client.put(url, json={**RADIO, "target_lufs": None})
        assert (changed.status_code, changed.json()["target_lufs"]) == (200, None)
        assert client.get(url).json() == changed.json()
        assert client.delete(url).status_code == 204
        assert client.get(url).json()["code"] == "unknown_preset"


def test_a_name_is_the_same_however_it_is_composed(server: Server) -> None:
    composed, taken_apart = (unicodedata.normalize(form, RADIO["name"]) for form in ("NFC", "NFD"))
    assert composed != taken_apart
    url = f"/api/v1/presets/{taken_apart}"
    with server.client() as client:
        made = client.post("/api/v1/presets", json={**RADIO, "name": taken_apart})
        assert (made.status_code, made.json()["name"]) == (201, composed)
        assert client.get(url).json() == made.json()
        changed = client.put(url, json={**RADIO, "name": composed, "target_lufs": -20})
        assert (changed.status_code, changed.json()["target_lufs"]) == (200, -20)
        assert client.delete(url).status_code == 204
        assert client.get(f"/api/v1/presets/{composed}").status_code == 422


def test_what_cannot_be_kept_is_refused_with_a_code(server: Server) -> None:
    cases = [
        ("POST", "", {**RADIO, "target_lufs": 3}, 422, "invalid_preset"),
        ("POST", "", {**RADIO, "renditions": [{"format": "aac"}]}, 422, "invalid_preset"),
        ("POST", "", {**RADIO, "colour": "red"}, 422, "invalid_request"),
        ("POST", "", {**RADIO, "name": "streaming"}, 409, "preset_exists"),
        ("PUT", "/podcast", {**RADIO, "name": "podcast"}, 409, "preset_read_only"),
        ("PUT", "/nothing", {**RADIO, "name": "nothing"}, 404, "not_found"),
        ("PUT", "/other", RADIO, 422, "invalid_preset"),
        ("DELETE", "/podcast", None, 409, "preset_read_only"),
        ("DELETE", "/nothing", None, 404, "not_found"),
    ]
    with server.client() as client:
        for method, path, body, status, code in cases:
            url = f"/api/v1/presets{path}"
            answer = client.request(method, url, json=body)
            assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert all(one["built_in"] for one in client.get("/api/v1/presets").json()["items"])


def test_a_track_sent_with_an_own_preset_becomes_what_it_says(
    server: Server, tmp_path: Path
) -> None:
    with server.client() as client:
        assert client.post("/api/v1/presets", json=RADIO).status_code == 201
    sent = server.send(write_music(tmp_path / "Canção.wav", seconds=4), preset=str(RADIO["name"]))
    track = server.wait_for(sent["id"], "ready", "failed", "rejected")
    assert {one["name"]: one["verdict"] for one in track["renditions"]} == {
        "mp3": "passed",
        "aac": "passed",
        "alac": "passed",
    }
    with server.client() as client:
        archive = client.get(f"/api/v1/tracks/{track['id']}/archive.zip").content
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        names = ["Canção.mp3", "Canção (aac).m4a", "Canção (alac).m4a"]
        assert found.namelist() == names
        found.extractall(tmp_path / "out")
    for name in names:
        integrated_lufs, true_peak_dbtp = ebur128(tmp_path / "out" / name)
        assert abs(integrated_lufs - -18.0) <= 0.3, name
        assert true_peak_dbtp <= -2.0 + 0.05, name
