"""Key: which of the 24 keys the notes fit best.

Pitch classes are compared with how often they come in tonal music, as Albrecht and Shanahan
(2013) counted. Low notes count more: the bass tells the tonic, and the third harmonic of each
note sounds like a fifth above it. docs/guide/quality-report.md has the score on real tracks.
"""

from typing import Final

import numpy as np

from sarau.audio.insight._mono import Mono, Windows
from sarau.audio.insight._types import Key

_TONICS: Final = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_PROFILES: Final = {
    "major": (238, 6, 111, 6, 137, 94, 16, 214, 9, 80, 8, 81),
    "minor": (220, 6, 104, 123, 19, 103, 12, 214, 62, 22, 61, 52),
}
_SIZE: Final = 16384
_LOWEST_HZ, _HIGHEST_HZ = 127.0, 2030.0
_BASS_PITCH: Final = 48
_BASS_SPREAD: Final = 18
_TREBLE: Final = 0.3
"""What a high note counts beside one of the bass."""
_NARROW_SEMITONES: Final = 0.2
_POOR_FIT: Final = 0.5
_CLEAR_LEAD: Final = 0.12
_UNSURE: Final = 0.1
_SEMITONES: Final = 12


class KeyFinder:
    """Adds up how strong each of the twelve pitch classes is."""

    def __init__(self, rate_hz: float) -> None:
        self._windows = Windows(_SIZE, _SIZE // 2)
        frequency = np.fft.rfftfreq(_SIZE, 1 / rate_hz)
        self._used = (frequency > _LOWEST_HZ) & (frequency < _HIGHEST_HZ)
        pitch = _SEMITONES * np.log2(frequency[self._used] / 440) + 69
        nearest = np.round(pitch)
        weight = np.exp(-0.5 * ((pitch - nearest) / _NARROW_SEMITONES) ** 2)
        weight *= _TREBLE + np.exp(-0.5 * ((nearest - _BASS_PITCH) / _BASS_SPREAD) ** 2)
        self._fold = np.zeros((len(pitch), _SEMITONES), np.float32)
        self._fold[np.arange(len(pitch)), nearest.astype(int) % _SEMITONES] = weight
        self._classes = np.zeros(_SEMITONES)

    def push(self, mono: Mono) -> None:
        """Add samples."""
        bins = self._windows.push(mono)
        if not len(bins):
            return
        classes = np.sqrt(np.abs(bins[:, self._used])) @ self._fold
        total = classes.sum(axis=1, keepdims=True)
        self._classes += (classes / np.maximum(total, 1e-3)).sum(axis=0)

    def result(self) -> Key | None:
        """Return the key; None when the notes fit none."""
        if self._classes.std() <= 1e-6 * (1 + self._classes.mean()):
            return None
        fits = sorted(
            (
                (float(np.corrcoef(np.roll(profile, tonic), self._classes)[0, 1]), tonic, mode)
                for mode, profile in _PROFILES.items()
                for tonic in range(_SEMITONES)
            ),
            reverse=True,
        )
        (fit, tonic, mode), (second, _, _) = fits[:2]
        if fit < _POOR_FIT:
            return None
        lead = min(1.0, (fit - second) / _CLEAR_LEAD)
        sure = min(1.0, (fit - _POOR_FIT) / (1 - _POOR_FIT)) * (0.4 + 0.6 * lead)
        if sure < _UNSURE:
            return None
        return Key(tonic=_TONICS[tonic], mode=mode, confidence=round(sure, 2))
