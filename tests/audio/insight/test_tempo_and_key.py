"""Tempo and key of beats and chords that are known beforehand."""

import numpy as np
import pytest
from tests.audio.insight.signals import RATE_HZ, Report, both, white

NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def beats(bpm: float, seconds: float) -> np.ndarray:
    """Return a drum that falls on each beat, a softer one between, a little unsteady."""
    rng = np.random.default_rng(3)
    samples = rng.normal(0, 0.002, int(seconds * RATE_HZ))
    hit = rng.normal(0, 1, 4000) * np.exp(-np.arange(4000) / 700)
    for number in range(int(seconds * bpm / 60 * 2) - 2):
        start = int(number * 30 / bpm * RATE_HZ + rng.normal(0, 80)) + 400
        samples[start : start + 4000] += hit * (0.4 if number % 2 == 0 else 0.1)
    return samples.clip(-1, 1)


@pytest.mark.parametrize("bpm", [84.0, 92.5, 110.0, 128.0, 140.0])
def test_the_tempo_of_a_drum_is_found(report: Report, bpm: float) -> None:
    found = report(both(beats(bpm, 40))).tempo
    assert found is not None
    assert found.bpm == pytest.approx(bpm, rel=0.005)
    assert found.confidence > 0.7


def test_noise_has_no_tempo_and_no_key(report: Report) -> None:
    found = report(white(30))
    assert found.tempo is None
    assert found.key is None


def chords(tonic: int, mode: str) -> np.ndarray:
    """Return the cadence I-IV-V-I (minor: i-iv-V-i) with a few harmonics."""
    third = 4 if mode == "major" else 3
    degrees = [(0, third), (5, third), (7, 4), (0, third)]
    t = np.arange(2 * RATE_HZ) / RATE_HZ
    out = []
    for degree, width in degrees:
        notes = [48 + tonic + degree + step for step in (0, width, 7, 12)]
        tones = (
            np.sin(2 * np.pi * 440 * 2 ** ((note - 69) / 12) * harmonic * t) / harmonic**1.5
            for note in notes
            for harmonic in range(1, 6)
        )
        out.append(sum(tones) * np.exp(-t) * 0.08)
    return np.concatenate(out)


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", range(12))
def test_the_key_of_a_cadence_is_found(report: Report, tonic: int, mode: str) -> None:
    found = report(both(chords(tonic, mode))).key
    assert found is not None
    assert found.name == f"{NAMES[tonic]} {mode}"
    assert found.confidence > 0.2
