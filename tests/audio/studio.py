"""Sources made of noise, and what the engine makes of them."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tests.audio.meters import ebur128

from sarau.audio import Analysis, RenderedFile, Rendition, Verdict
from sarau.model.preset import PRESETS, Format, Preset, RenditionSpec

STREAMING = PRESETS["streaming"]
ALL = replace(
    STREAMING,
    renditions=(
        *STREAMING.renditions,
        RenditionSpec("wav", Format.WAV),
        RenditionSpec("alac", Format.ALAC),
        RenditionSpec("vorbis", Format.VORBIS, quality=4),
    ),
)
"""Every format that is encoded."""


@dataclass
class Work:
    """One source through the whole engine."""

    source: Path
    analysis: Analysis
    files: tuple[RenderedFile, ...]
    renditions: dict[str, Rendition]


def noise(
    seconds: float, rate_hz: int, *, channels: int = 2, level: float = 0.1, seed: int = 1
) -> np.ndarray:
    """Return (samples, channels) of pink noise that comes and goes, a little like music."""
    rng = np.random.default_rng(seed)
    count = int(seconds * rate_hz)
    spectrum = np.fft.rfft(rng.normal(0, 1, (count, channels)), axis=0)
    frequency = np.fft.rfftfreq(count, 1 / rate_hz)[:, None]
    spectrum *= (
        (frequency > 20) / np.sqrt(np.maximum(frequency, 20)) / (1 + (frequency / 9000) ** 4)
    )
    pink = np.fft.irfft(spectrum, count, axis=0)
    t = np.arange(count) / rate_hz
    swell = (0.6 + 0.4 * np.sin(2 * np.pi * 0.7 * t))[:, None]
    return np.clip(pink / pink.std() * level * swell, -0.99, 0.99)


def pcm16(samples: np.ndarray) -> bytes:
    return (samples * 32767).round().astype("<i2").tobytes()


def pcm24(samples: np.ndarray) -> bytes:
    wide = (samples * 8388607).round().astype("<i4")
    return wide.view("u1").reshape(*wide.shape, 4)[..., :3].tobytes()


def check_with_ffmpeg(made: Work, preset: Preset) -> None:
    for name, each in made.renditions.items():
        heard = ebur128(each.file.path)
        evidence = each.evidence
        assert evidence.verdict is Verdict.PASSED, (name, evidence)
        assert preset.target_lufs is not None
        assert abs(heard.integrated_lufs - preset.target_lufs) <= preset.tolerance_lu, name
        assert heard.true_peak_dbtp <= preset.ceiling_dbtp, name
        assert evidence.loudness.integrated_lufs is not None
        assert abs(heard.integrated_lufs - evidence.loudness.integrated_lufs) < 0.1, name
