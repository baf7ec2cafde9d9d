"""An HLS set over HTTP: played by ffmpeg from a real server, by ranges of one object."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.audio.meters import decode
from tests.servers import Server
from tests.sounds import write_music

LIVE = {
    "name": "live",
    "target_lufs": -18.0,
    "ceiling_dbtp": -1.0,
    "renditions": [
        {"format": "aac", "bitrate_bps": 192_000},
        {"format": "aac", "name": "aac-64", "bitrate_bps": 64_000},
        {"format": "hls"},
    ],
}


@pytest.fixture
def track(server: Server, tmp_path: Path) -> dict[str, Any]:
    with server.client() as client:
        assert client.post("/api/v1/presets", json=LIVE).status_code == 201
    sent = server.send(write_music(tmp_path / "song.wav", seconds=8), preset="live")
    return server.wait_for(sent["id"], "ready", "failed", "rejected")


def test_ffmpeg_plays_it_from_the_address_that_the_track_tells(
    server: Server, track: dict[str, Any], tmp_path: Path
) -> None:
    aac, low, hls = track["renditions"]
    assert [one["stream_url"] for one in (aac, low)] == [None, None]
    assert hls["verdict"] == "passed"
    url = f"{server.url}{hls['stream_url']}"
    with server.client() as client:
        for name, one in (("aac", aac), ("aac-64", low)):
            alone = tmp_path / f"{name}.m4a"
            alone.write_bytes(client.get(one["url"]).content)
            playlist = url.replace("index.m3u8", f"audio_{name}.m3u8")
            assert decode(playlist) == decode(alone)
        assert len(decode(url)) > 0


def test_its_files_have_types_ranges_and_validators(server: Server, track: dict[str, Any]) -> None:
    hls = track["renditions"][2]
    base = hls["stream_url"].removesuffix("index.m3u8")
    with server.client() as client:
        with zipfile.ZipFile(io.BytesIO(client.get(hls["url"]).content)) as archive:
            expected = {one.filename: archive.read(one) for one in archive.infolist()}
        assert len(expected) == 5
        for name, data in expected.items():
            found = client.get(base + name)
            kind = "audio/mp4" if name.endswith(".mp4") else "application/vnd.apple.mpegurl"
            assert (found.content, found.headers["content-type"]) == (data, kind), name
            alone = client.head(base + name, headers={"Range": "bytes=0-1"})
            assert (alone.status_code, alone.content) == (200, b""), name
            for header in ("content-length", "content-type", "etag", "accept-ranges"):
                assert alone.headers[header] == found.headers[header], name
        media, data = base + "audio_aac.mp4", expected["audio_aac.mp4"]
        size = len(data)
        whole = client.get(media)
        etag = whole.headers["etag"]
        for asked, start, stop in (
            ("bytes=10-19", 10, 20), ("bytes=100-", 100, size), ("bytes=-7", size - 7, size),
            (f"bytes=0-{size * 2}", 0, size),
        ):  # fmt: skip
            part = client.get(media, headers={"Range": asked})
            assert part.status_code == 206, asked
            assert part.content == data[start:stop], asked
            assert part.headers["content-range"] == f"bytes {start}-{stop - 1}/{size}", asked
        beyond = client.get(media, headers={"Range": f"bytes={size}-"})
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
        for ignored in ("bytes=9-3", "bytes=-", "words=1-2", "bytes=0-1,4-5"):
            assert client.get(media, headers={"Range": ignored}).status_code == 200, ignored
        stale = {"Range": "bytes=0-9", "If-Range": '"other"'}
        assert client.get(media, headers=stale).status_code == 200
        assert client.get(media, headers={"If-None-Match": etag}).status_code == 304
        for missing in ("audio_aac.mp3", "..%2Findex.m3u8", "index"):
            assert client.get(base + missing).status_code == 404, missing
            assert client.head(base + missing).status_code == 404, missing
        no_set = track["renditions"][0]["url"] + "/index.m3u8"
        assert client.get(no_set).json()["code"] == "not_found"


def test_a_set_without_rates_is_refused(server: Server) -> None:
    for renditions in ([{"format": "hls"}], [*LIVE["renditions"], {"format": "hls", "name": "b"}]):
        with server.client() as client:
            answer = client.post("/api/v1/presets", json={**LIVE, "renditions": renditions})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_preset")
