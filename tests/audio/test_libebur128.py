"""Our meter beside libebur128, on noise of every shape and on real music."""

import numpy as np
import pytest
from tests.audio import ebur128
from tests.audio.meters import decode
from tests.audio.studio import noise
from tests.audio.tables import Tell
from tests.music import real_music

from sarau.audio._frames import to_frame
from sarau.audio._libraries import load_libraries
from sarau.audio._loudness import Loudmeter
from sarau.audio._meter import Meter

load_libraries()

TOLERANCE = 0.1
"""LU and dB."""
LAYOUTS = {1: "mono", 2: "stereo", 5: "5.0", 6: "5.1"}
_AUDIBLE_LUFS = -69.0


def differences(samples: np.ndarray, rate_hz: int) -> dict[str, float]:
    """Return how far the meters are apart, at most."""
    theirs = ebur128.measure(samples, rate_hz)
    layout = LAYOUTS[samples.shape[1]]
    meter, over_time = Meter(rate_hz, layout), Loudmeter(rate_hz, layout)
    for start in range(0, len(samples), 16_384):
        piece = np.ascontiguousarray(samples[start : start + 16_384].T, np.float32)
        frame = to_frame(piece, rate_hz=rate_hz, layout=layout, pts=start)
        meter.push(frame)
        over_time.push(frame)
    meter.push(None)
    over_time.push(None)
    ours = meter.result()
    assert ours.integrated_lufs is not None
    assert ours.range_lu is not None
    assert ours.true_peak_dbtp is not None
    return {
        "integrated": abs(ours.integrated_lufs - theirs.integrated_lufs),
        "range": abs(ours.range_lu - theirs.range_lu()),
        "true peak": abs(ours.true_peak_dbtp - theirs.true_peak_dbtp),
        # Their first whole windows end after 400 ms and 3 s, as our first ones do.
        "momentary": widest(over_time.momentary_lufs(5), theirs.momentary_lufs[3:]),
        "short-term": widest(over_time.short_term_lufs(5), theirs.short_term_lufs[29:]),
    }


def widest(ours: np.ndarray, theirs: np.ndarray) -> float:
    count = min(len(ours), len(theirs))
    assert abs(len(ours) - len(theirs)) <= 1
    heard = theirs[:count] > _AUDIBLE_LUFS
    assert heard.any()
    return float(np.abs(ours[:count] - theirs[:count])[heard].max())


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("channels", [1, 2, 5, 6])
def test_noise(rate_hz: int, channels: int, tell: Tell) -> None:
    samples = noise(12, rate_hz, channels=channels, seed=channels)
    samples[: 4 * rate_hz] *= 0.05
    found = differences(samples, rate_hz)
    show(f"noise {rate_hz} Hz, {channels} channels", found, tell)
    assert {name: each for name, each in found.items() if each >= TOLERANCE} == {}


def test_real_music(tell: Tell) -> None:
    paths = real_music()
    assert paths
    for path in paths:
        data = decode(path, "-t", "60", "-ac", "2", "-ar", "44100", form="f32le")
        found = differences(np.frombuffer(data, "<f4").reshape(-1, 2), 44_100)
        show(path.name, found, tell)
        assert {name: each for name, each in found.items() if each >= TOLERANCE} == {}, path.name


def show(name: str, found: dict[str, float], tell: Tell) -> None:
    figures = ", ".join(f"{quantity} {each:.3f}" for quantity, each in found.items())
    tell("differences from libebur128", [f"{name:28} {figures}"])
