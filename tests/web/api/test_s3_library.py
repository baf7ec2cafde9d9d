"""The main job with the library in S3, through the door that users take."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.contracts.stores import new_bucket
from tests.localstack import Wire
from tests.servers import Server
from tests.sounds import write_music

from sarau.library.bucket import Bucket

pytestmark = pytest.mark.aws


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_music(tmp_path / "song.wav", seconds=5)


def _server(make: Callable[..., Server], bucket: Bucket, url: str, **more: str) -> Server:
    place = bucket.place
    return make(
        SARAU_LIBRARY=f"s3://{place.bucket}/{place.prefix}",
        SARAU_S3_ENDPOINT=url,
        SARAU_S3_REGION="us-east-1",
        **more,
    )


def _rendition(server: Server, track: str, name: str, **query: str) -> httpx.Response:
    with server.client() as client:
        return client.get(f"/api/v1/tracks/{track}/renditions/{name}", params=query)


def test_a_track_becomes_ready_and_every_byte_is_in_the_bucket(
    make_server: Callable[..., Server], aws_url: str, song: Path
) -> None:
    bucket = new_bucket(aws_url)
    server = _server(make_server, bucket, aws_url)
    sent = server.send(song, preset="streaming")
    track = server.wait_for(sent["id"], "ready", "failed", "rejected")
    assert track["state"] == "ready", track
    found = bucket.client.list_objects_v2(Bucket=bucket.place.bucket, Prefix="lib/objects/")
    names = {one["Key"].rsplit("/", 1)[1] for one in found["Contents"]}
    assert hashlib.sha256(song.read_bytes()).hexdigest() in names
    for rendition in track["renditions"]:
        answer = _rendition(server, track["id"], rendition["name"])
        assert hashlib.sha256(answer.content).hexdigest() in names
        part = httpx.get(str(answer.url), headers={"Range": "bytes=5-9"}, trust_env=False)
        assert (part.status_code, part.content) == (206, answer.content[5:10])
    assert len(names) == 1 + len(track["renditions"])
    with server.client() as client:
        assert client.get(f"/api/v1/tracks/{track['id']}/archive.zip").is_success
        metrics = client.get("/metrics").text.splitlines()
    # The bucket is a place like any other; only the disks before it have bytes to count.
    places = ("intake", "cache", "library")
    assert [f'sarau_volume_ok{{volume="{place}"}} 1.0' in metrics for place in places] == [True] * 3
    assert not [line for line in metrics if 'free_bytes{volume="library"}' in line]


def test_a_cache_that_was_lost_is_read_in_again(
    make_server: Callable[..., Server], aws_url: str, song: Path
) -> None:
    server = _server(make_server, new_bucket(aws_url), aws_url)
    track = server.wait_for(server.send(song, preset="archive")["id"], "ready")
    for path in (server.data / "library-cache" / "kept").iterdir():
        path.unlink()
    with server.client() as client:
        answer = client.get(f"/api/v1/tracks/{track['id']}/source")
    assert answer.content == song.read_bytes()


def test_downloads_go_to_the_bucket_when_that_is_wanted_and_playing_does_not(
    make_server: Callable[..., Server], aws_url: str, song: Path
) -> None:
    server = _server(make_server, new_bucket(aws_url), aws_url, SARAU_LIBRARY_LINK_S="60")
    track = server.wait_for(server.send(song, preset="archive")["id"], "ready")
    name = track["renditions"][0]["name"]
    saved = _rendition(server, track["id"], name, download="1")
    assert saved.status_code == 307
    there = httpx.get(saved.headers["location"], trust_env=False)
    played = _rendition(server, track["id"], name)
    assert there.content == played.content
    assert there.headers["content-type"] == played.headers["content-type"]
    assert there.headers["content-disposition"].startswith("attachment")


def test_a_track_waits_for_an_s3_that_is_away_and_then_becomes_ready(
    make_server: Callable[..., Server], aws_url: str, song: Path
) -> None:
    wire = Wire(aws_url)
    server = _server(make_server, new_bucket(aws_url), wire.url)
    wire.cut()
    track = server.wait_for(server.send(song, preset="archive")["id"], "failed")
    assert track["code"] == "library_unavailable"
    with server.client() as client:
        ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"]["library"]["code"] == "library_unavailable"
    wire.mend()
    server.wait_for(track["id"], "ready")
    server.kill()
    wire.close()


def test_an_s3_that_hangs_is_reported_and_takes_no_threads(
    make_server: Callable[..., Server], aws_url: str, tmp_path: Path
) -> None:
    wire = Wire(aws_url)
    server = _server(make_server, new_bucket(aws_url), wire.url)
    wire.stall()

    def ask(path: str) -> httpx.Response:
        with server.client() as client:
            return client.get(path, timeout=20)

    # Far more questions than the server has threads; each has an answer.
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: ask("/readyz"), range(60)))
    assert {answer.json()["checks"]["library"]["code"] for answer in answers} == {
        "library_unavailable"
    }
    # And what is sent meanwhile is acknowledged.
    server.send(write_music(tmp_path / "song.wav"))
    server.kill()
    wire.close()


def test_a_start_refuses_the_library_of_another_catalog(
    make_server: Callable[..., Server], aws_url: str
) -> None:
    bucket = new_bucket(aws_url)
    server = _server(make_server, bucket, aws_url)
    server.kill()
    bucket.remove(".sarau-volume")
    with pytest.raises(AssertionError, match=r"volume_missing|not mounted"):
        server.start()
