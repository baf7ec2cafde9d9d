"""Melodies that nobody else plays: each seed is a recording of its own, for fingerprints."""

import wave
from pathlib import Path

import numpy as np

RATE_HZ = 44_100


def melody(seed: int, seconds: float = 24.0) -> np.ndarray:
    """Return mono samples of chords that change three times a second."""
    rng = np.random.default_rng(seed)
    t = np.arange(RATE_HZ // 3) / RATE_HZ
    notes = []
    for _ in range(int(seconds * 3)):
        chosen = rng.integers(45, 84, 3)
        tones = (np.sin(2 * np.pi * 440 * 2 ** ((note - 69) / 12) * t) for note in chosen)
        notes.append(sum(tones) * np.exp(-2 * t) * rng.uniform(0.1, 0.3))
    return np.concatenate(notes)


def write_melody(path: Path, seed: int, *, skip_s: float = 0.0, gain: float = 1.0) -> Path:
    """Write a melody as a mono WAV, from `skip_s` on."""
    samples = melody(seed)[int(skip_s * RATE_HZ) :] * gain
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path
