"""Sounds made for a test: short, cheap, and not silent."""

import wave
from pathlib import Path

import numpy as np


def write_music(
    path: Path,
    *,
    seconds: float = 2.0,
    rate_hz: int = 44_100,
    seed: int = 1,
    clicks: float = 0.0,
) -> Path:
    """Write a stereo WAV of a chord with noise, about -20 LUFS; each seed gives other bytes.

    Two `clicks` a second, so high, stop the gain of what is to be made louder.
    """
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    chord = sum(np.sin(2 * np.pi * f * t) for f in (220.0, 277.2, 329.6)) / 3
    beat = 0.6 + 0.4 * np.sin(2 * np.pi * 2 * t)
    stereo = np.stack([chord * beat, chord * beat[::-1]], axis=1) * 0.25
    stereo += rng.normal(0, 0.003, stereo.shape)
    if clicks:
        stereo[rate_hz // 4 :: rate_hz // 2] = clicks
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((np.clip(stereo, -1, 1) * 32767).astype("<i2").tobytes())
    return path
