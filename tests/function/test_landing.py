"""From an object that lands to a track that is ready, with the packages that Lambda gets."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from tests.function.conftest import ATTEMPTS, Cloud, OtherServer
from tests.function.runtime_api import Function, sqs_event
from tests.outages import wait_until
from tests.sounds import write_music

from sarau.landing import Documents, PublishedPresets
from sarau.library import Place, connect
from sarau.model.landing import read_event, read_report, to_notice

pytestmark = [pytest.mark.function, pytest.mark.timeout(400)]


def _names(track: dict[str, Any], server: OtherServer) -> dict[str, bytes]:
    with server.client() as client:
        address = f"/api/v1/tracks/{track['id']}/renditions"
        return {
            one["name"]: client.get(f"{address}/{one['name']}").content
            for one in track["renditions"]
        }


def _kinds(track: dict[str, Any], server: OtherServer) -> list[str]:
    with server.client() as client:
        events = client.get(f"/api/v1/tracks/{track['id']}/events").json()["items"]
    return [one["kind"] for one in events]


def test_what_lands_becomes_a_track_with_the_bytes_that_a_server_makes(
    cloud: Cloud, server: OtherServer, function: Function, tmp_path: Path
) -> None:
    song = write_music(tmp_path / "sent.wav", seconds=4)
    key = "podcast/canção nº 1 + [demo].wav"
    cloud.land(song, key)
    event = cloud.work(function)
    landed = server.track_of(key, "ready", "failed", "rejected")
    assert landed["state"] == "ready", (landed, function.log[-3000:])
    assert landed["preset"] == "podcast"
    sent = server.wait_for(server.send(song, preset="podcast")["id"], "ready", "failed")
    ours, theirs = _names(landed, server), _names(sent, server)
    assert set(ours) == {"flac", "mp3", "aac", "opus"}
    assert ours == theirs
    assert sent["duplicate_of"] == landed["id"]
    with server.client() as client:
        assert client.get(f"/api/v1/tracks/{landed['id']}/source").content == song.read_bytes()
    # The event again, the notice again, and both long after everything: one track.
    assert function.invoke(sqs_event(event)).answer == {"batchItemFailures": []}
    (landing,) = read_event(event[0]["Body"])
    for _ in range(2):
        cloud.sqs.send_message(QueueUrl=cloud.results, MessageBody=to_notice(landing.id))
    time.sleep(1)
    assert server.track_of(key, "ready")["id"] == landed["id"]
    kinds = _kinds(landed, server)
    assert (kinds.count("upload.landed"), kinds.count("track.ready")) == (1, 1)


def test_what_is_no_audio_is_rejected_at_once(
    cloud: Cloud, server: OtherServer, function: Function, tmp_path: Path
) -> None:
    poison = tmp_path / "poison.wav"
    poison.write_bytes(b"no audio at all" * 100)
    cloud.land(poison, "poison.wav")
    cloud.work(function)
    track = server.track_of("poison.wav", "rejected", "failed", "ready")
    assert (track["state"], track["code"]) == ("rejected", "not_audio")
    left = cloud.sqs.get_queue_attributes(QueueUrl=cloud.events, AttributeNames=["All"])
    assert left["Attributes"]["ApproximateNumberOfMessages"] == "0"


def test_a_function_that_is_killed_in_the_middle_makes_one_track_in_the_end(
    cloud: Cloud, server: OtherServer, function: Function, tmp_path: Path
) -> None:
    cloud.land(write_music(tmp_path / "long.wav", seconds=60, seed=7), "long.wav")
    messages = cloud.receive()
    half = function.invoke(sqs_event(messages), wait=False)
    room = tmp_path / "tmp" / "work"
    while not list(room.glob("*/made/*")):
        assert not half.done.is_set(), function.log[-3000:]
        time.sleep(0.05)
    function.kill()
    cloud.again(messages)
    cloud.work(function)
    track = server.track_of("long.wav", "ready", "failed")
    assert track["state"] == "ready"
    assert _kinds(track, server).count("track.ready") == 1
    assert list(room.iterdir()) == []


def test_what_kills_the_function_each_time_is_shown_as_failed(
    cloud: Cloud, server: OtherServer, function: Function, tmp_path: Path
) -> None:
    cloud.land(write_music(tmp_path / "killer.wav", seconds=60, seed=8), "killer.wav")
    for _ in range(ATTEMPTS):
        messages = cloud.receive()
        half = function.invoke(sqs_event(messages), wait=False)
        room = tmp_path / "tmp" / "work"
        while not list(room.glob("*/made")):
            assert not half.done.is_set(), function.log[-3000:]
            time.sleep(0.05)
        function.kill()
        shutil.rmtree(room)
        cloud.again(messages)
    # The queue gives it to nobody any more, and puts it where the server finds it.
    cloud.sqs.receive_message(QueueUrl=cloud.events, WaitTimeSeconds=1)
    track = server.track_of("killer.wav", "failed", "ready")
    assert (track["state"], track["code"]) == ("failed", "function_ended")
    with server.client(headers={"Accept-Language": "pt-BR"}) as client:
        assert "função" in client.get(f"/api/v1/tracks/{track['id']}").json()["message"]


def test_why_it_failed_is_noted_and_a_report_that_nobody_told_of_is_found(
    cloud: Cloud, server: OtherServer, packages: Path, tmp_path: Path
) -> None:
    # Its notices go nowhere: reports are written and cannot be told. The server is away meanwhile.
    server.kill()
    settings = cloud.settings | {"SARAU_LANDING_RESULTS": f"{cloud.results}-not"}
    broken = Function(packages, tmp_path, **settings)
    cloud.land(write_music(tmp_path / "untold.wav", seed=9), "untold.wav")
    try:
        for _ in range(ATTEMPTS):
            messages = cloud.receive()
            answer = broken.invoke(sqs_event(messages)).answer
            assert len(answer["batchItemFailures"]) == 1
            cloud.again(messages)
    finally:
        broken.close()
    bucket = connect(Place(cloud.library, "sarau/", endpoint=cloud.url, region="us-east-1"))
    (landing,) = read_event(messages[0]["Body"])
    trouble = Documents(bucket).trouble(landing.id)
    bucket.close()
    assert trouble is not None
    assert trouble.code == "queue_unavailable"
    # The work itself was done: a server that starts finds the report without any message.
    cloud.sqs.receive_message(QueueUrl=cloud.events, WaitTimeSeconds=1)
    server.start()
    assert server.track_of("untold.wav", "ready", "failed")["state"] == "ready"


def test_what_cannot_be_done_in_time_fails_with_that_reason_while_there_is_time(
    cloud: Cloud, server: OtherServer, function: Function, tmp_path: Path
) -> None:
    function.invoke({"sarau": "doctor"})
    cloud.land(write_music(tmp_path / "late.wav", seconds=300, seed=10), "late.wav")
    cloud.work(function, seconds=4)
    track = server.track_of("late.wav", "failed", "ready")
    assert (track["state"], track["code"]) == ("failed", "function_limit")


def test_what_does_not_fit_fails_with_that_reason_and_is_not_read(
    cloud: Cloud, server: OtherServer, packages: Path, tmp_path: Path
) -> None:
    small = Function(packages, tmp_path, **cloud.settings, SARAU_MAX_UPLOAD_BYTES="1000")
    cloud.land(write_music(tmp_path / "large.wav", seed=11), "large.wav")
    try:
        cloud.work(small)
    finally:
        small.close()
    track = server.track_of("large.wav", "failed", "ready")
    assert (track["state"], track["code"]) == ("failed", "function_limit")


def test_the_metadata_names_the_preset_and_an_unknown_one_is_said(
    cloud: Cloud, server: OtherServer, function: Function, tmp_path: Path
) -> None:
    song = write_music(tmp_path / "song.wav", seconds=1, seed=12)
    cloud.land(song, "album/archived.wav", **{"sarau-preset": "archive"})
    cloud.land(song, "archive/unknown.wav", **{"sarau-preset": "vinyl"})
    for _ in range(2):
        cloud.work(function)
    track = server.track_of("archived.wav", "ready", "failed")
    assert [one["name"] for one in track["renditions"]] == ["flac"]
    track = server.track_of("unknown.wav", "failed", "ready")
    assert (track["state"], track["code"]) == ("failed", "unknown_preset")


def test_a_preset_of_ones_own_is_known_to_the_function_and_kept_by_the_track(
    cloud: Cloud, server: OtherServer, function: Function, tmp_path: Path
) -> None:
    wav = {"name": "wav", "format": "wav", "bit_depth": 16}
    club = {"name": "Clube", "target_lufs": -20.0, "ceiling_dbtp": -3.0, "renditions": [wav]}
    with server.client() as client:
        assert client.post("/api/v1/presets", json=club).is_success
    bucket = connect(Place(cloud.library, "sarau/", endpoint=cloud.url, region="us-east-1"))
    wait_until(lambda: "Clube" in PublishedPresets(bucket).read())
    bucket.close()
    cloud.land(write_music(tmp_path / "own.wav", seconds=1, seed=13), "Clube/own.wav")
    cloud.work(function)
    track = server.track_of("own.wav", "ready", "failed")
    (made,) = track["renditions"]
    assert (track["preset"], made["name"], made["target_lufs"]) == ("Clube", "wav", -20.0)


def test_the_function_says_how_well_it_is_locked(function: Function) -> None:
    found = function.invoke({"sarau": "doctor"}).answer
    assert found["engine"]["versions"]["pyav"].startswith("19.")
    assert found["engine"]["sandbox_level"] in {"full", "seccomp", "landlock", "none"}
    assert found["sandbox_wanted"] == "best_effort"
    assert found["will_work"]


def test_a_log_line_of_the_function_is_json_and_names_the_landing(function: Function) -> None:
    broken = {"messageId": "1", "body": "no event", "attributes": {}}
    answer = function.invoke({"Records": [broken]}).answer
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    lines = [json.loads(line) for line in function.log.splitlines() if line.startswith("{")]
    assert any(line["message"] == "message 1 comes again" for line in lines)


def test_a_report_tells_the_trace_of_its_invocation_and_when_each_stage_was(
    cloud: Cloud, server: OtherServer, function: Function, tmp_path: Path
) -> None:
    began_at = time.time()
    cloud.land(write_music(tmp_path / "traced.wav", seconds=1, seed=14), "archive/traced.wav")
    (landing,) = read_event(cloud.work(function)[0]["Body"])
    assert server.track_of("traced.wav", "ready", "failed")["state"] == "ready"
    bucket = connect(Place(cloud.library, "sarau/", endpoint=cloud.url, region="us-east-1"))
    report = read_report(Documents(bucket).report(landing.id) or "")
    bucket.close()
    assert report.trace is not None
    assert report.trace.trace_id == "5759e988bd862e3fe1be46a994272793"
    stages = report.trace.stages
    assert [one.name for one in stages] == [
        "fetch", "validate", "store", "render", "verify", "adopt",
    ]  # fmt: skip
    assert began_at <= report.trace.work.began_at <= stages[0].began_at
    assert sum(one.duration_s for one in stages) <= report.duration_s
