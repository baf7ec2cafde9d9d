"""A landing gets the preset that it asks for, by the names that people use."""

from email.header import Header
from unicodedata import normalize

import pytest
from tests.contracts.stores import new_bucket

from sarau.errors import RefusedCode, RefusedError
from sarau.function.choice import Choice, Terms
from sarau.landing import PublishedPresets
from sarau.library.bucket import Bucket, Head
from sarau.model.preset import PRESETS, Format, Preset, RenditionSpec

pytestmark = pytest.mark.aws

CLUB = Preset("Club", -9.0, -1.0, (RenditionSpec("wav", Format.WAV),))
RADIO = Preset("Rádio", -20.0, -1.0, (RenditionSpec("flac", Format.FLAC),))
TERMS = Terms("streaming", "in/", 1)


@pytest.fixture
def bucket(aws_url: str) -> Bucket:
    found = new_bucket(aws_url)
    PublishedPresets(found).publish(lambda: [CLUB, RADIO])
    return found


def _choose(
    bucket: Bucket, key: str, told: str | None = None, terms: Terms = TERMS
) -> tuple[str, Preset | None]:
    metadata = {} if told is None else {"sarau-preset": told}
    return Choice(PublishedPresets(bucket), terms).choose(key, Head(1, "e", None, metadata))


def test_a_preset_of_ones_own_is_meant_by_metadata_folder_and_setting(bucket: Bucket) -> None:
    by_setting = Terms("Club", "in/", 1)
    assert _choose(bucket, "in/a.wav", "Club") == ("Club", CLUB)
    assert _choose(bucket, "in/Club/a.wav") == ("Club", CLUB)
    assert _choose(bucket, "in/a.wav", terms=by_setting) == ("Club", CLUB)
    assert _choose(bucket, "in/podcast/a.wav", "Club", by_setting) == ("Club", CLUB)


def test_a_name_is_meant_however_it_is_written(bucket: Bucket) -> None:
    apart = normalize("NFD", "Rádio")
    assert _choose(bucket, f"in/{apart}/a.wav") == ("Rádio", RADIO)
    # As S3 hands on what is not ASCII.
    assert _choose(bucket, "in/a.wav", Header(apart, "utf-8").encode()) == ("Rádio", RADIO)


def test_what_is_no_folder_of_a_preset_is_a_folder(bucket: Bucket) -> None:
    assert _choose(bucket, "in/Choro/a.wav") == ("streaming", PRESETS["streaming"])
    assert _choose(bucket, "in/Club") == ("streaming", PRESETS["streaming"])


@pytest.mark.parametrize(
    "told", ["vinyl", "=?utf-8?b?AA==?=", "=?nonsense?b?AA==?=", "=?utf-8?b?A?="]
)
def test_a_name_in_the_metadata_that_is_none_is_said_as_it_was_told(
    bucket: Bucket, told: str
) -> None:
    assert _choose(bucket, "in/Club/a.wav", told) == (told, None)


def test_a_built_in_name_is_the_built_in_preset_and_asks_nobody(bucket: Bucket) -> None:
    bucket.replace_text("landing-presets.json", "{")
    assert _choose(bucket, "in/podcast/a.wav") == ("podcast", PRESETS["podcast"])
    assert _choose(bucket, "in/a.wav") == ("streaming", PRESETS["streaming"])


def test_a_preset_that_this_version_cannot_make_stops_only_what_asks_for_it(
    bucket: Bucket,
) -> None:
    text = (bucket.read_text("landing-presets.json") or "").replace('"wav"', '"wma"')
    bucket.replace_text("landing-presets.json", text)
    assert _choose(bucket, "in/Rádio/a.wav") == ("Rádio", RADIO)
    with pytest.raises(RefusedError) as refused:
        _choose(bucket, "in/Club/a.wav")
    assert refused.value.code is RefusedCode.INVALID_PRESET
