"""The presets that the function reads are those of the catalog, however many tell of them."""

import json
from itertools import count

import pytest
from tests.contracts.stores import new_bucket

from sarau.errors import FailedError
from sarau.landing import PublishedPresets
from sarau.library.bucket import Bucket
from sarau.model.own_preset import read_preset
from sarau.model.preset import Format, Preset, RenditionSpec

pytestmark = pytest.mark.aws

CLUB = Preset("Club", -9.0, -1.0, (RenditionSpec("wav", Format.WAV, bit_depth=24),))
RADIO = Preset("Rádio", None, 0.0, (RenditionSpec("flac", Format.FLAC),))


@pytest.fixture
def bucket(aws_url: str) -> Bucket:
    return new_bucket(aws_url)


def _read(bucket: Bucket) -> list[Preset]:
    return [read_preset(one) for one in PublishedPresets(bucket).read().values()]


def test_what_is_published_is_read(bucket: Bucket) -> None:
    published = PublishedPresets(bucket)
    assert published.read() == {}
    for own in ([CLUB], [CLUB, RADIO], [RADIO], []):
        published.publish(lambda own=own: own)
        assert _read(bucket) == own


def test_what_is_published_already_is_asked_for_once_and_not_written_again(
    bucket: Bucket,
) -> None:
    asked: list[str] = []
    bucket.client.meta.events.register(
        "before-call.s3", lambda model, **_: asked.append(model.name)
    )
    PublishedPresets(bucket).publish(lambda: [CLUB])
    assert asked == ["GetObject", "PutObject"]
    asked.clear()
    PublishedPresets(bucket).publish(lambda: [CLUB])
    assert asked == ["GetObject"]


def test_a_document_that_is_replaced_while_it_is_read_is_not_taken_for_none(
    bucket: Bucket,
) -> None:
    PublishedPresets(bucket).publish(lambda: [RADIO])
    changes = iter([[CLUB]])

    def replace(**_: object) -> None:
        for own in changes:
            PublishedPresets(bucket).publish(lambda own=own: own)

    bucket.client.meta.events.register("before-call.s3.GetObject", replace)
    assert _read(bucket) == [CLUB]


@pytest.mark.parametrize("before", [[], [RADIO]], ids=["the-first", "another-one"])
def test_who_asked_first_cannot_write_last(bucket: Bucket, before: list[Preset]) -> None:
    """Between asking the catalog and writing, another process changes it and publishes."""
    if before:
        PublishedPresets(bucket).publish(lambda: before)
    catalog = [[CLUB, RADIO]]

    def ask() -> list[Preset]:
        own = catalog[-1]
        if len(catalog) == 1:
            catalog.append([CLUB])
            PublishedPresets(bucket).publish(lambda: catalog[-1])
        return own

    PublishedPresets(bucket).publish(ask)
    assert _read(bucket) == [CLUB]


def test_who_asked_first_cannot_write_last_what_was_taken_back(bucket: Bucket) -> None:
    """Between asking and writing, the catalog becomes what the document says already."""
    PublishedPresets(bucket).publish(lambda: [RADIO])
    answers = iter([[CLUB]])
    PublishedPresets(bucket).publish(lambda: next(answers, [RADIO]))
    assert _read(bucket) == [RADIO]


def test_a_document_that_goes_meanwhile_is_made_again(bucket: Bucket) -> None:
    PublishedPresets(bucket).publish(lambda: [RADIO])
    gone: list[str] = []

    def ask() -> list[Preset]:
        if not gone:
            gone.append("once")
            bucket.remove("landing-presets.json")
        return [CLUB]

    PublishedPresets(bucket).publish(ask)
    assert _read(bucket) == [CLUB]


def test_who_finds_others_faster_each_time_gives_up(bucket: Bucket) -> None:
    PublishedPresets(bucket).publish(lambda: [RADIO])
    asked = count()

    def ask() -> list[Preset]:
        bucket.replace_text("landing-presets.json", str(next(asked)))
        return [CLUB]

    with pytest.raises(FailedError, match="others are writing"):
        PublishedPresets(bucket).publish(ask)


def test_a_document_of_a_version_that_is_not_known_is_not_taken_for_none(bucket: Bucket) -> None:
    bucket.replace_text("landing-presets.json", json.dumps({"version": 2}))
    with pytest.raises(FailedError, match="version 2"):
        PublishedPresets(bucket).read()


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"version": 1}', '{"version": 1, "presets": 1}']
)
def test_a_damaged_document_is_told_as_one(bucket: Bucket, text: str) -> None:
    bucket.replace_text("landing-presets.json", text)
    with pytest.raises(FailedError, match="damaged"):
        PublishedPresets(bucket).read()
