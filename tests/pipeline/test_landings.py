"""One landing, one track: whatever becomes of the messages about it."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest
import sqlalchemy as sa
from tests.contracts.stores import new_bucket, s3_library
from tests.localstack import CREDENTIALS
from tests.outages import wait_until
from tests.sounds import write_music

from sarau.app import open_app
from sarau.audio import Engine, to_plain
from sarau.catalog import Database, events, listing, objects, presets, renditions, sources, uploads
from sarau.landing import Documents, PublishedPresets, Queue, connect_queue
from sarau.library import S3Library
from sarau.model.clock import now
from sarau.model.ids import LOCAL_USER_ID
from sarau.model.landing import (
    Landing,
    LandingId,
    Made,
    Maker,
    Outcome,
    Report,
    Stored,
    Trouble,
    to_notice,
)
from sarau.model.lifecycle import TrackState, UploadState
from sarau.model.own_preset import to_definition
from sarau.model.preset import PRESETS
from sarau.model.track import Track
from sarau.pipeline.landing_rounds import LandingRounds
from sarau.pipeline.landings import Landings
from sarau.pipeline.own_presets import OwnPresets
from sarau.settings import load
from sarau.web.metrics import Metrics

pytestmark = pytest.mark.aws

LANDING = Landing("intake", "podcast/song.wav", "e", 1, "01")


@dataclass(frozen=True)
class House:
    database: Database
    library: S3Library
    documents: Documents
    landings: Landings
    ready: Report

    def tracks(self) -> list[Track]:
        with self.database.read() as connection:
            return list(listing.page(connection, LOCAL_USER_ID, limit=10))

    def track(self) -> Track:
        (found,) = self.tracks()
        return found

    def kinds(self) -> list[str]:
        with self.database.read() as connection:
            return [one.kind for one in events.of_track(connection, self.track().id)]

    @cached_property
    def own_presets(self) -> OwnPresets:
        return OwnPresets(self.database, PublishedPresets(self.library.bucket))

    def rounds(self, *, results: Queue | None = None, dead: Queue | None = None) -> LandingRounds:
        return LandingRounds(self.landings, results, dead, self.own_presets)

    def say(self, report: Report) -> None:
        self.documents.write(report)
        self.documents.open(report.landing.id)

    def open_ids(self) -> list[LandingId]:
        ids, _ = self.documents.open_ids(limit=10)
        return ids

    def dead(self) -> str:
        """Return the event of the landing, as the dead queue has it."""
        found = {"key": LANDING.key, "size": 1, "eTag": LANDING.etag, "sequencer": "01"}
        s3 = {"bucket": {"name": LANDING.bucket}, "object": found}
        return json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": s3}]})


@pytest.fixture(scope="session")
def made(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A song, what the engine found in it, and its renditions as files."""
    directory = tmp_path_factory.mktemp("made")
    song, preset = write_music(directory / "song.wav"), PRESETS["archive"]
    analysis = engine.analyse(song, insight=True)
    files = engine.render(song, analysis, preset, directory)
    verified = engine.verify(song, analysis, preset, files, directory)
    return {"song": song, "analysis": to_plain(analysis), "verified": verified, "preset": preset}


@pytest.fixture
def house(database: Database, aws_url: str, tmp_path: Path, made: dict[str, Any]) -> House:
    library = s3_library(new_bucket(aws_url), tmp_path / "cache")
    documents = Documents(library.bucket)
    source = library.put(made["song"])
    refs = [(library.put(one.file.path), to_plain(one)) for one in made["verified"]]
    ready = Report(
        landing=LANDING,
        outcome=Outcome.READY,
        maker=Maker("function", "request", "1", "full"),
        library_id=library.id,
        filename="song.wav",
        preset="archive",
        duration_s=1.0,
        definition=to_definition(made["preset"]),
        source_sha256=source.sha256,
        source_size_bytes=source.size_bytes,
        analysis=made["analysis"],
        renditions=tuple(Made(ref.sha256, ref.size_bytes, plain) for ref, plain in refs),
    )
    landings = Landings(database, library, documents, preset="streaming")
    return House(database, library, documents, landings, ready)


def test_a_report_becomes_a_track_with_everything_a_run_would_have_kept(house: House) -> None:
    house.say(house.ready)
    house.landings.take(LANDING.id)
    track = house.track()
    assert (track.state, track.filename) == (TrackState.READY, "song.wav")
    with house.database.read() as connection:
        source = sources.find(connection, [track.id])[track.id]
        (rendition,) = renditions.find(connection, [track.id])[track.id]
        upload = uploads.of_track(connection, track.id)
    assert upload is not None
    assert (upload.state, upload.sha256) == (UploadState.STORED, house.ready.source_sha256)
    assert source.object_sha256 == house.ready.source_sha256
    assert rendition.object_sha256 == house.ready.renditions[0].sha256
    assert rendition.verdict == "not_normalised"
    assert house.open_ids() == []


def test_any_number_of_messages_make_one_track(house: House) -> None:
    house.say(house.ready)
    for _ in range(3):
        house.landings.take(LANDING.id)
        house.landings.give_up(house.dead())
    assert house.kinds().count("track.ready") == 1


def test_what_is_open_without_a_report_is_settled(house: House) -> None:
    """A message that comes after everything has ended would leave it open for ever."""
    house.documents.open(LANDING.id)
    house.landings.take_open(limit=10)
    assert house.open_ids() == []
    assert house.tracks() == []


def test_many_who_take_one_report_at_once_make_one_track(house: House) -> None:
    house.say(house.ready)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: house.landings.take(LANDING.id), range(8)))
    assert house.kinds().count("track.ready") == 1


def test_a_report_that_comes_after_its_event_was_given_up_is_shown(house: House) -> None:
    house.landings.give_up(house.dead())
    assert (house.track().state, house.track().code) == (TrackState.FAILED, "function_ended")
    house.say(house.ready)
    house.landings.take(LANDING.id)
    assert house.track().state is TrackState.READY


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_report_that_is_taken_while_its_event_is_given_up_is_shown(house: House) -> None:
    """SQLite has one writer at a time."""
    given_up: list[str] = []

    def give_up(*arguments: object) -> None:
        # Whether the landing is known has been asked; the other one is faster from here on.
        if "INSERT INTO tracks" in str(arguments[2]) and not given_up:
            given_up.append(house.dead())
            house.library.bucket.remove(f"landings/{LANDING.id}.json")
            house.landings.give_up(given_up[0])

    house.say(house.ready)
    sa.event.listen(house.database.engine, "before_cursor_execute", give_up)
    house.landings.take(LANDING.id)
    assert given_up
    assert house.track().state is TrackState.READY
    assert house.open_ids() == []


def test_what_is_given_up_has_the_reason_of_the_last_attempt(house: House) -> None:
    house.documents.note(LANDING.id, Trouble("engine_missing", "the sandbox is only seccomp", 3))
    house.landings.give_up(house.dead())
    assert house.track().code == "engine_missing"
    assert house.track().detail == "attempt 3: the sandbox is only seccomp"


def test_a_rejected_file_keeps_its_code_and_refers_to_nothing(house: House) -> None:
    rejected = replace(
        house.ready, outcome=Outcome.REJECTED, code="truncated", detail="half", renditions=()
    )
    house.say(rejected)
    house.landings.take(LANDING.id)
    assert (house.track().state, house.track().code) == (TrackState.REJECTED, "truncated")


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.REJECTED, None])
def test_what_was_stored_for_nothing_is_found_by_the_collector(
    house: House, outcome: Outcome | None
) -> None:
    (rendition,) = house.ready.renditions
    useless = Stored(rendition.sha256, rendition.size_bytes)
    stored = (useless, Stored("0" * 64, 1))  # the second one is gone already
    if outcome is None:
        house.documents.note(LANDING.id, Trouble("library_unavailable", "away", 2, stored))
    else:
        failed = replace(house.ready, outcome=outcome, code="truncated", renditions=())
        house.say(replace(failed, stored=stored))
    for _ in range(2):
        house.landings.give_up(house.dead())
    with house.database.read() as connection:
        found, _ = objects.unreferenced(connection, before=now(), limit=10)
    assert [(one.sha256, one.size_bytes) for one in found] == [(useless.sha256, useless.size_bytes)]


def test_a_failed_file_whose_source_is_stored_can_be_tried_again_by_a_worker(house: House) -> None:
    house.say(replace(house.ready, outcome=Outcome.FAILED, code="function_limit", renditions=()))
    house.landings.take(LANDING.id)
    track = house.track()
    assert (track.state, track.code) == (TrackState.FAILED, "function_limit")
    with house.database.read() as connection:
        upload = uploads.of_track(connection, track.id)
    assert upload is not None
    assert upload.state is UploadState.STORED


def test_a_preset_that_nobody_has_is_shown_however_long_its_name_is(house: House) -> None:
    unknown = replace(
        house.ready, outcome=Outcome.FAILED, code="unknown_preset", preset="a" * 2000,
        source_sha256=None, renditions=(),
    )  # fmt: skip
    house.say(unknown)
    house.landings.take(LANDING.id)
    assert (house.track().state, house.track().code) == (TrackState.FAILED, "unknown_preset")


def test_nothing_is_shown_whose_bytes_were_collected_meanwhile(house: House) -> None:
    house.say(house.ready)
    house.library.remove(house.ready.renditions[0].sha256)
    house.landings.take(LANDING.id)
    assert (house.track().state, house.track().code) == (TrackState.FAILED, "object_missing")


def test_the_report_of_another_library_is_not_taken(house: House) -> None:
    house.say(replace(house.ready, library_id="other"))
    with pytest.raises(ValueError, match="library other"):
        house.landings.take(LANDING.id)
    assert house.tracks() == []
    assert house.open_ids() == [LANDING.id]


def test_pages_full_of_reports_that_cannot_be_taken_hide_no_other(house: House) -> None:
    landings = [replace(LANDING, key=f"{number}.wav") for number in range(7)]
    *strange, good = sorted(landings, key=lambda one: one.id)
    for one in strange[::2]:
        house.say(replace(house.ready, landing=one, library_id="other"))
    for one in strange[1::2]:
        # What nobody thought of.
        house.say(replace(house.ready, landing=one, duration_s="long"))  # type: ignore[arg-type]
    house.say(replace(house.ready, landing=good))
    last = ""
    for _ in range(3):
        last = house.landings.take_open(limit=2, after=last)
        assert house.tracks() == []
    assert house.landings.take_open(limit=2, after=last) == ""
    assert house.track().filename == good.key
    assert house.open_ids() == [one.id for one in strange]


@pytest.fixture
def results(aws_url: str) -> Iterator[Queue]:
    client = boto3.client(
        "sqs", endpoint_url=aws_url, region_name=CREDENTIALS["AWS_DEFAULT_REGION"]
    )
    url = client.create_queue(QueueName=f"r-{id(client)}", Attributes={"VisibilityTimeout": "0"})
    found = connect_queue(url["QueueUrl"], region="us-east-1")
    yield found
    found.close()
    client.close()


def test_a_notice_brings_its_report_and_is_gone_and_nonsense_stays(
    house: House, results: Queue
) -> None:
    strange = replace(LANDING, key="strange.wav")
    house.say(replace(house.ready, landing=strange, duration_s="long"))  # type: ignore[arg-type]
    house.say(house.ready)
    left = ["nonsense", to_notice(strange.id)]
    for text in (*left, to_notice(LANDING.id)):
        results.send(text)
    rounds = house.rounds(results=results)
    while not house.tracks():
        rounds.take_results()
    assert house.track().state is TrackState.READY
    assert {one.text for one in results.receive(wait_s=1)} == set(left)


def test_a_report_whose_notice_was_lost_is_found(house: House) -> None:
    house.say(house.ready)
    house.rounds().take_open()
    assert house.track().state is TrackState.READY


def test_presets_are_told_at_the_start_and_in_the_round_after_a_change(
    house: House, results: Queue
) -> None:
    """At the start, as a process may have been killed after a change."""
    first, second = (replace(PRESETS["archive"], name=name) for name in ("First", "Second"))
    with house.database.write() as connection:
        presets.create(connection, LOCAL_USER_ID, first)
    published = PublishedPresets(house.library.bucket)
    rounds = house.rounds(results=results)
    rounds.start()
    wait_until(lambda: "First" in published.read())
    with house.own_presets.changing() as connection:
        presets.create(connection, LOCAL_USER_ID, second)
    results.send("a message that ends the round")
    wait_until(lambda: "Second" in published.read())
    rounds.close()


def test_a_dead_event_is_shown_and_is_gone(house: House, results: Queue) -> None:
    results.send(house.dead())
    house.rounds(dead=results).take_dead()
    assert house.track().code == "function_ended"
    assert results.receive(wait_s=0) == []


def test_what_waits_is_a_figure_and_what_cannot_be_asked_is_none(
    house: House, results: Queue, tmp_path: Path
) -> None:
    rounds = house.rounds(results=results)
    for _ in range(2):
        results.send("nonsense")
    rounds.count()
    with open_app(load({}, data=tmp_path / "app", reserve_bytes=0), work=False) as app:
        figures = Metrics(replace(app, landings=rounds))
        assert 'sarau_landing_messages{queue="results"} 2.0' in figures.text().decode()
        results.client.delete_queue(QueueUrl=results.url)
        rounds.count()
        assert "sarau_landing_messages{" not in figures.text().decode()
