"""Signals whose report is known beforehand."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tests.audio.kitchen import wav
from tests.audio.studio import pcm16, pcm24

from sarau.audio import Engine, Insight

RATE_HZ = 44_100
Report = Callable[..., Insight]


def look(engine: Engine, path: Path) -> Insight:
    """Return the quality report of a file."""
    found = engine.analyse(path, insight=True).insight
    assert found is not None
    return found


def report_of(engine: Engine, tmp_path: Path) -> Report:
    """Return a function that writes samples (frames, channels) to a file and analyses it."""

    def report(samples: np.ndarray, *, rate_hz: int = RATE_HZ, bits: int = 16) -> Insight:
        path = tmp_path / "signal.wav"
        data = pcm16(samples) if bits == 16 else pcm24(samples)
        path.write_bytes(wav(data, rate=rate_hz, channels=samples.shape[1], bits=bits))
        return look(engine, path)

    return report


def sine(frequency_hz: float, seconds: float, level: float, rate_hz: int = RATE_HZ) -> np.ndarray:
    return level * np.sin(2 * np.pi * frequency_hz * np.arange(int(seconds * rate_hz)) / rate_hz)


def both(channel: np.ndarray) -> np.ndarray:
    return np.stack([channel, channel], axis=1)


def white(
    seconds: float, level: float = 0.1, *, rate_hz: int = RATE_HZ, seed: int = 1
) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(0, level, (int(seconds * rate_hz), 2)).clip(-0.9, 0.9)


def codes(report: Insight) -> set[str]:
    return {str(finding.code) for finding in report.findings}


def through(path: Path, suffix: str, *options: str) -> Path:
    """Encode a file, decode what came of it, and return it as FLAC."""
    lossy, back = path.with_name(f"lossy.{suffix}"), path.with_name(f"{suffix}.flac")
    for source, target, extra in ((path, lossy, options), (lossy, back, ("-sample_fmt", "s16"))):
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", "-i", str(source), *extra, str(target)], check=True
        )
    return back
