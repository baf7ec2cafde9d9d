"""Our own parsers on spoiled bytes: what `make fuzz` found, and a little of the same by chance."""

import random
import struct

import pytest
from tests.audio.kitchen import Kitchen
from tests.fuzz.targets import CONTAINERS, claims, opened, sniff

from sarau.audio import _sniff
from sarau.audio._claims import read_claims
from sarau.audio._libraries import load_libraries
from sarau.errors import RejectedCode, RejectedError

load_libraries()
_SPOILED_EACH = 150
MADE = (
    "flac", "mp3", "m4a", "vorbis", "opus", "aiff", "wma", "mka", "wv", "tta", "adts", "w64", "caf",
    "alac_caf", "au", "ape",
)  # fmt: skip


def aiff(channels: int, bits: int) -> bytes:
    common = b"COMM" + struct.pack(">IhIh", 18, channels, 100, bits) + bytes(10)
    sound = b"SSND" + struct.pack(">I", 8) + bytes(8)
    return b"FORM" + struct.pack(">I", 4 + len(common) + len(sound)) + b"AIFF" + common + sound


@pytest.mark.parametrize(("channels", "bits"), [(-1, 16), (0, 16), (2, -8)])
def test_an_aiff_of_less_than_nothing_is_damaged(channels: int, bits: int) -> None:
    with opened(aiff(channels, bits)) as source, pytest.raises(RejectedError) as caught:
        read_claims(source, "aiff")
    assert caught.value.code is RejectedCode.CORRUPT


def test_an_aiff_that_is_well_keeps_its_claims() -> None:
    with opened(aiff(2, 24)) as source:
        found = read_claims(source, "aiff")
    assert (found.channels, found.bit_depth, found.samples) == (2, 24, 100)


def spoil(data: bytes, rng: random.Random) -> bytes:
    """Return data with some bytes changed, a piece left out, or its end missing."""
    spoiled = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        spoiled[rng.randrange(min(len(spoiled), 400))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
    if rng.random() < 0.3:
        start = rng.randrange(len(spoiled))
        del spoiled[start : start + rng.randint(1, 64)]
    return bytes(spoiled[: rng.randint(1, len(spoiled))] if rng.random() < 0.3 else spoiled)


@pytest.mark.parametrize("make", MADE)
def test_spoiled_files_are_turned_away_or_read_and_nothing_else(
    kitchen: Kitchen, make: str
) -> None:
    data = getattr(kitchen, make)()[:20_000]
    container = _sniff.container_of(data) or "mp3"
    rng = random.Random(make)
    for _ in range(_SPOILED_EACH):
        spoiled = spoil(data, rng)
        sniff(spoiled)
        claims(container if container in CONTAINERS else "mp3", spoiled)


def test_every_container_that_has_a_parser_of_ours_is_fuzzed() -> None:
    named = {name for _, _, name in _sniff._CONTAINERS}
    assert named <= set(CONTAINERS)
