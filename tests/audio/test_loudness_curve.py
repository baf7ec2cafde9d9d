"""Loudness over time: where it is loud, how loud, and that it stays small."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.audio.kitchen import wav
from tests.audio.studio import noise, pcm16

from sarau.audio import Analysis, Engine, LoudnessCurve, from_plain, to_plain
from sarau.audio._frames import to_frame
from sarau.audio._libraries import load_libraries
from sarau.audio._loudness import Loudmeter

load_libraries()


def curve(samples: np.ndarray, rate_hz: int) -> tuple[Loudmeter, LoudnessCurve]:
    meter = Loudmeter(rate_hz, "mono")
    for start in range(0, len(samples), 1 << 16):
        piece = samples[None, start : start + (1 << 16)].astype(np.float32)
        meter.push(to_frame(piece, rate_hz=rate_hz, layout="mono", pts=start))
    meter.push(None)
    return meter, meter.curve()


def tone(rate_hz: int, *segments: tuple[float, float]) -> np.ndarray:
    """Return a 1 kHz sine of (dBFS, seconds) in a row; its loudness is 3.01 less."""
    parts = [np.full(round(lasts_s * rate_hz), 10 ** (level / 20)) for level, lasts_s in segments]
    level = np.concatenate(parts)
    return level * np.sin(2 * np.pi * 1000 * np.arange(len(level)) / rate_hz)


def test_it_shows_when_it_gets_loud() -> None:
    _, found = curve(tone(48_000, (-40, 5), (-20, 5), (-200, 5)), 48_000)
    assert found.step_s == 0.1
    assert len(found.momentary_lufs) == len(found.short_term_lufs) == 150
    # No window is whole before 0.4 s and 3 s: point 3 holds the one that ends at 0.4 s.
    assert found.momentary_lufs[:3] == (-70.0,) * 3
    assert found.momentary_lufs[3:49] == pytest.approx([-43.0] * 46, abs=0.15)
    assert found.momentary_lufs[54:99] == pytest.approx([-23.0] * 45, abs=0.15)
    assert set(found.momentary_lufs[105:]) == {-70.0}
    assert found.short_term_lufs[:29] == (-70.0,) * 29
    assert found.short_term_lufs[29:49] == pytest.approx([-43.0] * 20, abs=0.15)
    assert found.short_term_lufs[80:99] == pytest.approx([-23.0] * 19, abs=0.15)
    rising = found.short_term_lufs[50:80]
    assert list(rising) == sorted(rising)


@pytest.mark.parametrize("length_s", [99.95, 100.0, 100.1, 100.7, 333.3, 901.0])
def test_long_sound_has_few_points_and_the_same_maxima(length_s: float) -> None:
    samples = noise(length_s, 8000, channels=1, level=0.02)[:, 0]
    samples[int(0.61 * len(samples)) :][:4000] *= 8
    meter, found = curve(samples, 8000)
    points = len(found.momentary_lufs)
    assert 500 < points <= 1000
    assert points == len(found.short_term_lufs)
    assert (points - 1) * found.step_s <= length_s <= points * found.step_s + 0.02
    assert max(found.momentary_lufs) == pytest.approx(meter.momentary_lufs().max(), abs=0.051)
    assert max(found.short_term_lufs) == pytest.approx(meter.short_term_lufs().max(), abs=0.051)
    loudest_s = int(np.argmax(found.momentary_lufs)) * found.step_s
    assert loudest_s == pytest.approx(0.61 * length_s, abs=0.6 + found.step_s)


def test_sound_shorter_than_a_window_and_none_at_all() -> None:
    _, short = curve(tone(48_000, (-20, 0.25)), 48_000)
    assert short == LoudnessCurve(0.1, (-70.0,) * 3, (-70.0,) * 3)
    assert curve(np.zeros(3), 48_000)[1] == LoudnessCurve()


def test_it_is_part_of_the_analysis_and_survives_json(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav(pcm16(noise(150, 8000)), rate=8000))
    analysis = engine.analyse(path)
    found = analysis.loudness_curve
    assert found.step_s == 0.2
    assert len(found.momentary_lufs) == 750
    assert max(found.momentary_lufs) == pytest.approx(
        analysis.loudness.max_momentary_lufs, abs=0.051
    )
    text = json.dumps(to_plain(analysis))
    assert from_plain(Analysis, json.loads(text)) == analysis
    assert len(json.dumps(to_plain(found))) < 20_000
    old = json.loads(text)
    del old["loudness_curve"]
    assert from_plain(Analysis, old).loudness_curve == LoudnessCurve()
