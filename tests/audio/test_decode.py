"""Decoding, as the children do it: what is counted, and what is kept."""

import os
import struct
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.audio.kitchen import RATE_HZ, Kitchen, ape

from sarau.audio import Limits
from sarau.audio._libraries import load_libraries
from sarau.errors import RejectedCode, RejectedError

load_libraries()

# PyAV comes after the libraries.
from sarau.audio._decode import Source  # noqa: E402
from sarau.audio._frames import to_samples  # noqa: E402

_APE_INSANE = 1_179_648
"""Samples of a frame of Monkey's Audio at its highest level."""


@contextmanager
def opened(path: Path, limits: Limits | None = None) -> Iterator[Source]:
    """Open a file as a child does."""
    fd = os.open(path, os.O_RDONLY)
    try:
        yield Source(fd, limits or Limits())
    finally:
        os.close(fd)


@pytest.mark.parametrize("limits", [Limits(max_duration_s=1), Limits(max_samples=100_000)])
def test_a_part_of_a_lower_rate_and_fewer_channels_counts_as_what_it_becomes(
    kitchen: Kitchen, tmp_path: Path, limits: Limits
) -> None:
    path = tmp_path / "joined.aac"
    high = kitchen.encode("high.aac", "-t", "0.3", "-ar", "48000")
    low = kitchen.encode("low.aac", "-t", "1", "-ar", "8000", "-ac", "1")
    path.write_bytes(high + low)
    with opened(path, limits) as source, pytest.raises(RejectedError) as caught:
        list(source.frames())
    assert caught.value.code is RejectedCode.TOO_LONG
    assert source.sample_rate_hz == 48_000
    assert source.channels == 2


def test_sound_behind_the_length_that_an_mp4_states_is_kept(
    kitchen: Kitchen, tmp_path: Path
) -> None:
    whole = kitchen.encode("short.m4a", "-t", "1", "-c:a", "aac")
    path = tmp_path / "a.m4a"
    path.write_bytes(whole)
    with opened(path) as source:
        assert sum(frame.samples for frame in source.frames()) == RATE_HZ
    at = whole.index(b"mdhd") + 20
    path.write_bytes(whole[:at] + struct.pack(">I", RATE_HZ // 4) + whole[at + 4 :])
    with opened(path) as source:
        kept = sum(frame.samples for frame in source.frames())
    assert RATE_HZ <= kept == source.samples < RATE_HZ + 1024


@pytest.mark.parametrize("level", [0.0, 0.3])
@pytest.mark.parametrize(("rate_hz", "samples"), [(8_000, 7_777), (44_100, 130), (48_000, 9_600)])
def test_vorbis_in_one_page_is_decoded_as_by_its_own_library(
    tmp_path: Path, rate_hz: int, samples: int, level: float
) -> None:
    path = tmp_path / "short.ogg"
    tone = level * np.sin(0.05 * np.arange(samples))
    soundfile.write(path, np.stack([tone, -tone], 1), rate_hz, format="OGG", subtype="VORBIS")
    assert path.read_bytes().count(b"OggS") == 3  # Two of headers, one of sound.

    with opened(path) as source:
        heard = np.concatenate([to_samples(frame) for frame in source.frames()], axis=1)
    known, _ = soundfile.read(path, dtype="float32")

    assert heard.shape == (2, samples)
    np.testing.assert_allclose(heard.T, known, atol=1e-6)


@pytest.mark.parametrize(
    ("rate_hz", "layout", "duration_s"),
    [(44_100, "stereo", 1200), (192_000, "7.1", 68), (352_800, "7.1", 36)],
)
def test_silence_as_encoders_make_it_is_no_bomb(
    kitchen: Kitchen, tmp_path: Path, rate_hz: int, layout: str, duration_s: int
) -> None:
    path = tmp_path / "silence.flac"
    silence = f"anullsrc=r={rate_hz}:cl={layout}"
    kitchen.ffmpeg("-f", "lavfi", "-i", silence, "-t", str(duration_s), str(path))
    with opened(path) as source:
        samples = sum(frame.samples for frame in source.frames())
        assert samples == duration_s * rate_hz > 100_000_000 / source.channels


def test_an_hour_of_silence_in_monkeys_audio_is_no_bomb_and_two_hours_are(tmp_path: Path) -> None:
    path = tmp_path / "silence.ape"
    path.write_bytes(ape(135, frame_samples=_APE_INSANE))
    with opened(path) as source:
        samples = sum(frame.samples for frame in source.frames())
        assert samples == 134 * _APE_INSANE + 5000 > 3580 * source.sample_rate_hz
    path.write_bytes(ape(270, frame_samples=_APE_INSANE))
    with opened(path) as source, pytest.raises(RejectedError) as caught:
        deque(source.frames(), 0)
    assert caught.value.code is RejectedCode.TOO_LONG
    assert "decode to more" in caught.value.detail
