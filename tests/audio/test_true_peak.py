"""Peaks between samples: the shortcut gives what oversampling everything gives."""

import math

import numpy as np
import pytest

from sarau.audio._frames import Chain, Samples, to_frame, to_samples
from sarau.audio._true_peak import PIECE, Stretches, interpolator, oversampling

RATES_HZ = (8_000, 22_050, 44_100, 48_000, 96_000, 192_000)
_SILENCE = 200
_COUNT = 20_000


def everything(samples: Samples, rate_hz: int) -> float:
    """Return the peak from the first sample to after the last, all oversampled by FFmpeg."""
    padded = np.pad(samples, ((0, 0), (_SILENCE, _SILENCE)))
    factor = oversampling(rate_hz)
    layout = "mono" if len(samples) == 1 else "stereo"
    chain = Chain(
        [("aresample", str(rate_hz * factor))],
        rate_hz=rate_hz,
        sample_format="fltp",
        layout=layout,
    )
    frame = to_frame(padded, rate_hz=rate_hz, layout=layout, pts=0)
    fine = [to_samples(out) for given in (frame, None) for out in chain.push(given)]
    sound = np.concatenate(fine, axis=1)[:, _SILENCE * factor :][:, : samples.shape[1] * factor]
    return float(np.abs(sound).max())


def shortcut(samples: Samples, rate_hz: int, cuts: list[int] | None = None) -> tuple[float, float]:
    """Return the peak as a meter finds it, and the share of the pieces it looked at."""
    stretches, found = Stretches(len(samples)), interpolator(oversampling(rate_hz))
    peak, looked_at = 0.0, 0
    for part in [*np.split(samples, cuts or [], axis=1), None]:
        for stretch in stretches.push(part):
            peak = max(peak, stretch.sample_peak)
            close = stretch.above(peak, found)
            looked_at += len(close.starts)
            peak = max(peak, float(close.peaks.max(initial=0.0)))
    return peak, looked_at * PIECE / samples.size


def signals() -> dict[str, Samples]:
    random = np.random.default_rng(7)
    white = random.standard_normal((2, _COUNT))
    brown = np.cumsum(white, axis=1)
    at = np.arange(_COUNT)
    wild = np.where(random.random((2, _COUNT)) < 0.5, -1.0, 1.0)
    wild *= random.random((2, _COUNT)) ** 8
    found = {
        "white": white,
        "brown": brown - brown.mean(axis=1, keepdims=True),
        "nearly Nyquist": np.stack([np.sin(3.1 * at), np.sin(3.0 * at + 1)]),
        "a quarter of the rate": np.stack([np.sin(np.pi / 2 * at + np.pi / 4)] * 2),
        "strokes": wild,
    }
    return {name: (each / np.abs(each).max()).astype(np.float32) for name, each in found.items()}


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_the_peak_is_that_of_oversampling_everything_with_ffmpeg(rate_hz: int) -> None:
    for name, samples in signals().items():
        whole = everything(samples, rate_hz)
        peak, _ = shortcut(samples, rate_hz)
        assert peak == pytest.approx(whole, rel=2e-5), (name, rate_hz)


def test_nothing_passes_its_bound() -> None:
    for rate_hz in RATES_HZ:
        found = interpolator(oversampling(rate_hz))
        for name, samples in signals().items():
            (first, *_) = Stretches(2).push(samples)
            all_of_it = first.above(-1.0, found)
            assert len(all_of_it.starts) == 2 * -(-first.samples // PIECE)
            for level in (0.3, 0.7, 0.95):
                some = first.above(level, found)
                listed = set(zip(some.channels.tolist(), some.starts.tolist(), strict=True))
                pieces = zip(all_of_it.channels, all_of_it.starts, all_of_it.peaks, strict=True)
                for channel, start, peaks in pieces:
                    left_out = (int(channel), int(start)) not in listed
                    assert not (left_out and peaks.max() > level), (name, rate_hz)


@pytest.mark.parametrize("at", [1, 2, 700, 1023, 1024, 1087, 1088, 2040, 2046])
def test_a_peak_is_found_wherever_it_is(at: int) -> None:
    # Two equal samples with opposite neighbours: the peak between them is far above both.
    samples = np.zeros((1, 2048), np.float32)
    samples[0, at : at + 2] = 0.5
    samples[0, at - 1] -= 0.25
    assert shortcut(samples, 44_100)[0] == pytest.approx(everything(samples, 44_100), rel=2e-5)
    assert shortcut(samples, 44_100)[0] > 0.55


def test_how_the_stream_is_cut_changes_nothing() -> None:
    for samples in signals().values():
        cuts = [1, 2, 63, 64, 65, 1100, 1101, 9000, 18_000]
        assert shortcut(samples, 44_100, cuts)[0] == shortcut(samples, 44_100)[0]


def test_hardly_anything_of_low_notes_is_looked_at() -> None:
    at = np.arange(44_100)
    notes = 0.6 * np.sin(2 * math.pi * 220 * at / 44_100) * np.exp(-(at % 11_025) / 4_000)
    samples = np.stack([notes, notes]).astype(np.float32)
    assert shortcut(samples, 44_100)[1] < 0.05
