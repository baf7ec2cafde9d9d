"""What the limiter costs is foretold: no trial run is needed to hit the target."""

import numpy as np
import pytest
from tests.audio.studio import noise

from sarau.audio._foresight import Foresight
from sarau.audio._frames import to_frame, to_samples
from sarau.audio._libraries import load_libraries
from sarau.audio._limiter import Limiter
from sarau.audio._loudness import Loudmeter
from sarau.audio._meter import Meter

load_libraries()

STEP = 16_384


@pytest.fixture(scope="module")
def music() -> np.ndarray:
    """Noise with sharp strokes over it, which a limiter has to hold."""
    samples = noise(20, 44_100, level=0.08).T.astype(np.float32)
    rng = np.random.default_rng(5)
    decay = np.exp(-np.arange(4000) / 800)
    for start in rng.integers(0, samples.shape[1] - 4000, 60):
        samples[:, start : start + 4000] += rng.normal(0, 0.12, (2, 4000)) * decay
    return samples


def integrated(samples: np.ndarray) -> float:
    meter = Loudmeter(44_100, "stereo")
    meter.push(to_frame(samples, rate_hz=44_100, layout="stereo", pts=0))
    meter.push(None)
    found = meter.integrated_lufs()
    assert found is not None
    return found


def limited(samples: np.ndarray, ceiling_dbtp: float) -> np.ndarray:
    limiter = Limiter(44_100, "stereo", ceiling_dbtp)
    frame = to_frame(samples, rate_hz=44_100, layout="stereo", pts=0)
    made = [*limiter.push(frame), *limiter.push(None)]
    return np.concatenate([to_samples(each) for each in made], axis=1)


def foretold(samples: np.ndarray, step: int = STEP) -> tuple[float, tuple[float, ...]]:
    """Return the true peak and what limiting below it would cost."""
    meter, foresight = Meter(44_100, "stereo"), Foresight(44_100)
    for start in range(0, samples.shape[1], step):
        piece = samples[:, start : start + step]
        foresight.push(np.abs(piece).max(axis=0))
        meter.push(to_frame(piece, rate_hz=44_100, layout="stereo", pts=start))
    meter.push(None)
    peak_dbtp = meter.result().true_peak_dbtp
    assert peak_dbtp is not None
    return peak_dbtp, meter.losses_lu(foresight, lambda: None)


@pytest.mark.parametrize("depth_db", [1.0, 2.0, 3.0, 4.0, 8.0, 10.0, 13.0])
def test_the_foretold_loss_is_what_the_limiter_takes(music: np.ndarray, depth_db: float) -> None:
    peak_dbtp, losses_lu = foretold(music)
    real_lu = integrated(music) - integrated(limited(music, peak_dbtp - depth_db))
    print(f"{depth_db} dB: foretold {losses_lu[int(depth_db * 2)]:.3f} LU, took {real_lu:.3f}")
    # Beyond what built-in presets allow, the rest is for the trim after measuring.
    assert losses_lu[int(depth_db * 2)] == pytest.approx(real_lu, abs=max(0.1, 0.15 * real_lu))
    if depth_db == 4.0:  # 3 dB and a codec's headroom: the most that a built-in preset asks for
        assert real_lu > 0.1


def test_losses_grow_with_the_work(music: np.ndarray) -> None:
    _, losses_lu = foretold(music)
    assert losses_lu[0] == 0
    assert list(losses_lu) == sorted(losses_lu)
    # A preset may ask for 12 dB, and a codec's headroom comes below the ceiling.
    assert len(losses_lu) == 1 + 2 * 13


def test_where_nothing_is_limited_nothing_is_made_good() -> None:
    at = np.arange(44_100) * 2 * np.pi * 997 / 44_100
    tone = np.tile(0.05 * np.sin(at), (2, 1)).astype(np.float32)
    _, losses_lu = foretold(tone)  # all of it is as loud as its peak
    assert losses_lu[0] == 0
    assert losses_lu[1] == pytest.approx(0.5, abs=0.25)


def test_each_step_is_progress(music: np.ndarray) -> None:
    meter, foresight = Meter(44_100, "stereo"), Foresight(44_100)
    foresight.push(np.abs(music).max(axis=0))
    meter.push(to_frame(music, rate_hz=44_100, layout="stereo", pts=0))
    meter.push(None)
    steps: list[None] = []
    losses_lu = meter.losses_lu(foresight, lambda: steps.append(None))
    assert len(steps) == len(losses_lu) - 1  # the first takes no work


def test_the_size_of_frames_does_not_matter(music: np.ndarray) -> None:
    short = music[:, :100_000]
    assert foretold(short, 1152)[1] == foretold(short, 65_536)[1]


def test_silence_loses_nothing() -> None:
    meter = Meter(44_100, "stereo")
    silence = np.zeros((2, 44_100), np.float32)
    meter.push(to_frame(silence, rate_hz=44_100, layout="stereo", pts=0))
    meter.push(None)
    foresight = Foresight(44_100)
    foresight.push(silence[0])
    assert meter.losses_lu(foresight, lambda: None) == ()
