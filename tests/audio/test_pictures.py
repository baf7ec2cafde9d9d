"""Zooms and pictures: nothing loud is lost, and the drawing is where it should be."""

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from sarau.audio import LoudnessCurve, Waveform
from sarau.audio.pictures import loudness_svg, waveform_svg, zoom_out


def peaks(pixels: int, channels: int = 1) -> Waveform:
    rng = np.random.default_rng(1)
    data = rng.integers(-128, 128, (pixels, channels, 2), np.int8)
    data.sort(axis=2)
    return Waveform(44_100, channels, 256, 8, data.tobytes())


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("width", [1, 7, 100, 999])
def test_zooming_out_keeps_every_extreme(channels: int, width: int) -> None:
    whole = peaks(1003, channels)
    small = zoom_out(whole, width)
    factor = small.samples_per_pixel // whole.samples_per_pixel
    assert small.length <= width
    assert small.length == -(-whole.length // factor)
    shape = (-1, channels, 2)
    found = np.frombuffer(small.data, np.int8).reshape(shape)
    all_of_it = np.frombuffer(whole.data, np.int8).reshape(shape)
    for at in range(small.length):
        part = all_of_it[at * factor : (at + 1) * factor]
        assert (found[at, :, 0] == part[:, :, 0].min(axis=0)).all()
        assert (found[at, :, 1] == part[:, :, 1].max(axis=0)).all()


def test_what_is_small_enough_stays_as_it_is() -> None:
    assert zoom_out(peaks(50), 50) == peaks(50)
    with pytest.raises(ValueError, match="pixel"):
        zoom_out(peaks(50), 0)


def test_the_loudness_picture_has_its_levels_where_the_axis_says() -> None:
    curve = LoudnessCurve(0.1, (-20.0,) * 50, (-30.0,) * 50)
    root = ET.fromstring(loudness_svg(curve, -23.0))
    area, line = [each.get("d") or "" for each in root if each.tag.endswith("path")]
    assert {float(y) for y in re.findall(r" ([\d.]+)", area)} == {60.0, 180.0}
    assert {float(y) for y in re.findall(r" ([\d.]+)", line)} == {90.0}
    (dashed,) = [each for each in root if each.get("stroke-dasharray")]
    assert float(dashed.get("y1") or 0) == 69.0


@pytest.mark.parametrize("pixels", [0, 1, 5000])
def test_pictures_of_nothing_and_of_much_are_well_formed(pixels: int) -> None:
    svg = waveform_svg(peaks(pixels))
    ET.fromstring(svg)
    assert len(svg) < 40_000
    ET.fromstring(loudness_svg(LoudnessCurve(), None))
