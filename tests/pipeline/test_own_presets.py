"""A run does what its preset said when it was queued, whatever became of the preset since."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from tests.contracts.stores import connected, new_bucket
from tests.pipeline.conftest import Rooms
from tests.sounds import write_music

from sarau.catalog import Database, presets, renditions, runs
from sarau.errors import FailedError
from sarau.intake import Description
from sarau.landing import PublishedPresets
from sarau.library import Place
from sarau.model.ids import LOCAL_USER_ID as ME
from sarau.model.ids import RunId
from sarau.model.own_preset import to_definition
from sarau.model.preset import Format, Preset, RenditionSpec
from sarau.pipeline.own_presets import OwnPresets

CLUB = Preset("Club", -20.0, -3.0, (RenditionSpec("alac", Format.ALAC, bit_depth=16),))


def _send(rooms: Rooms, path: Path) -> RunId:
    data = path.read_bytes()
    upload = rooms.intake.create(
        owner_id=ME,
        description=Description(filename=path.name, preset="Club"),
        size_bytes=len(data),
        body=data,
    )
    assert upload.track_id
    run_id = rooms.track(upload.track_id).run_id
    assert run_id
    return run_id


def test_a_queued_run_keeps_its_preset_when_it_is_changed_and_deleted(
    rooms: Rooms, tmp_path: Path
) -> None:
    with rooms.database.write() as connection:
        presets.create(connection, ME, CLUB)
    run_id = _send(rooms, write_music(tmp_path / "song.wav", seconds=2))
    with rooms.database.write() as connection:
        presets.change(connection, ME, replace(CLUB, target_lufs=-10.0))
        presets.delete(connection, ME, "Club")
    analysis = rooms.steps.validate(run_id)["analysis"]
    rooms.steps.store(run_id)
    rooms.steps.publish(run_id, rooms.steps.render(run_id, analysis)["renditions"])
    run = rooms.run(run_id)
    with rooms.database.read() as connection:
        (made,) = renditions.find(connection, [run.track_id])[run.track_id]
        assert runs.preset_of(connection, run) == CLUB
    assert (made.name, made.target_lufs, made.ceiling_dbtp) == ("alac", -20.0, -3.0)
    assert made.verdict == "passed"


@pytest.fixture
def published(aws_url: str) -> PublishedPresets:
    return PublishedPresets(new_bucket(aws_url))


@pytest.mark.aws
def test_the_function_knows_each_change_after_the_next_round(
    sqlite_database: Database, published: PublishedPresets
) -> None:
    own = OwnPresets(sqlite_database, published)
    louder = replace(CLUB, target_lufs=-9.0)
    with own.changing() as connection:
        presets.create(connection, ME, CLUB)
    own.publish_changed()
    assert published.read() == {"Club": _plain(CLUB)}
    with own.changing() as connection:
        presets.change(connection, ME, louder)
    own.publish_changed()
    assert published.read() == {"Club": _plain(louder)}
    with own.changing() as connection:
        presets.delete(connection, ME, "Club")
    own.publish_changed()
    assert published.read() == {}


def test_a_change_asks_nothing_of_s3(
    sqlite_database: Database,
    aws_credentials: None,  # noqa: ARG001 - in the environment
) -> None:
    bucket = connected(Place("sarau", endpoint="http://localhost", region="us-east-1"))
    asked: list[str] = []

    def refuse(event_name: str, **_: object) -> None:
        asked.append(event_name)
        raise EndpointConnectionError(endpoint_url="http://localhost")

    bucket.client.meta.events.register("before-call.s3", refuse)
    own = OwnPresets(sqlite_database, PublishedPresets(bucket))
    with own.changing() as connection:
        presets.create(connection, ME, CLUB)
    assert not asked
    with pytest.raises(FailedError, match="library_unavailable"):
        own.publish_changed()
    own.publish_changed()
    assert len(asked) == 1, "what could not be told is left to the rounds"


@pytest.mark.aws
def test_a_preset_that_this_version_cannot_make_fails_no_change(
    sqlite_database: Database, published: PublishedPresets, caplog: pytest.LogCaptureFixture
) -> None:
    own = OwnPresets(sqlite_database, published)
    with own.changing() as connection:
        presets.create(connection, ME, replace(CLUB, ceiling_dbtp=7.0))
    own.tell()
    assert "invalid_preset" in caplog.text


@pytest.mark.aws
def test_a_change_that_could_not_be_told_holds_and_is_told_later(
    sqlite_database: Database, aws_url: str
) -> None:
    bucket = new_bucket(aws_url)
    own = OwnPresets(sqlite_database, PublishedPresets(bucket))
    bucket.client.delete_bucket(Bucket=bucket.place.bucket)
    with own.changing() as connection:
        presets.create(connection, ME, CLUB)
    own.tell()
    with sqlite_database.read() as connection:
        assert presets.own(connection, ME) == [CLUB]
    with pytest.raises(FailedError):
        own.publish()
    bucket.client.create_bucket(Bucket=bucket.place.bucket)
    own.publish()
    assert PublishedPresets(bucket).read() == {"Club": _plain(CLUB)}


def _plain(preset: Preset) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(to_definition(preset)))
    return found
