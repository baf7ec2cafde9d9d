"""Decoding, as the children do it: what is counted, and what is kept."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.audio.hostile import Kitchen

from sarau.audio import Limits
from sarau.audio._libraries import load_libraries
from sarau.errors import RejectedCode, RejectedError

load_libraries()

from sarau.audio._decode import Source  # noqa: E402 - PyAV comes after the libraries


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
