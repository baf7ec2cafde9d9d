"""Tempo: how fast the onsets repeat.

Onsets are rises of the logarithm of the power in bands (spectral flux); their
autocorrelation is weighed with the tempi that people tap (log-normal around 120 a
minute, after Moelants 2002) and read at the beat, the half-bar and the bar together.
"""

from array import array
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarau.audio.insight._mono import Mono, Windows
from sarau.audio.insight._types import Tempo

_SIZE: Final = 1024
_HOP: Final = 256
_BANDS: Final = 64
_SEGMENT_S: Final = 30.0
_LONGEST_LAG_S: Final = 6.0
_SHORTEST_S: Final = 6.0
_LOWEST_BPM, _HIGHEST_BPM = 60.0, 200.0
_USUAL_BPM: Final = 120.0
_SPREAD_OCTAVES: Final = 0.9
_CERTAIN: Final = 0.35
_UNCERTAIN: Final = 0.06
_REFINED: Final = 0.012

Series = NDArray[np.float64]


class TempoFinder:
    """Collects the strength of onsets, 86 a second."""

    def __init__(self, rate_hz: float) -> None:
        self._per_s = rate_hz / _HOP
        self._windows = Windows(_SIZE, _HOP)
        self._last: NDArray[np.float32] | None = None
        self._onsets = array("f")

    def push(self, mono: Mono) -> None:
        """Add samples."""
        bins = self._windows.push(mono)
        if not len(bins):
            return
        size = np.abs(bins[:, : _SIZE // 2])
        bands = np.log1p(100 * size.reshape(len(size), _BANDS, -1).sum(axis=2))
        if self._last is not None:
            bands = np.concatenate([self._last, bands])
        rises = np.maximum(np.diff(bands, axis=0), 0).sum(axis=1)
        self._onsets.frombytes(rises.astype(np.float32).tobytes())
        self._last = bands[-1:]

    def result(self) -> Tempo | None:
        """Return the tempo; None when nothing repeats."""
        onsets = np.asarray(self._onsets, np.float64)
        if len(onsets) < _SHORTEST_S * self._per_s:
            return None
        repeats = self._repeats(onsets)
        bpm = np.arange(_LOWEST_BPM, _HIGHEST_BPM, 0.1)
        lags = 60 * self._per_s / bpm
        at = np.arange(len(repeats))
        score = sum(np.interp(lags * many, at, repeats) / many**0.25 for many in (1, 2, 4))
        usual = np.exp(-0.5 * (np.log2(bpm / _USUAL_BPM) / _SPREAD_OCTAVES) ** 2)
        best = int((score * usual).argmax())
        beat = float(np.interp([lags[best], 2 * lags[best]], at, repeats).max())
        if beat < _UNCERTAIN:
            return None
        sure = (beat - _UNCERTAIN) / (_CERTAIN - _UNCERTAIN)
        exact = self._refine(float(bpm[best]), repeats)
        return Tempo(bpm=round(exact, 1), confidence=round(min(1.0, sure), 2))

    def _refine(self, bpm: float, repeats: Series) -> float:
        """Return the tempo near `bpm` whose beats agree over all of the longest lag.

        One beat is known to one step of the onsets, 12 ms; the eleventh after it just as well.
        """
        near = bpm * np.linspace(1 - _REFINED, 1 + _REFINED, 241)
        lags = 60 * self._per_s / near
        at = np.arange(len(repeats))
        many = range(1, max(2, int(len(repeats) / lags.max()) + 1))
        score = sum(np.interp(lags * one, at, repeats) for one in many)
        # Steps of a lag make plateaus: their middle is meant.
        return float(near[np.isclose(score, np.max(score), rtol=1e-4)].mean())

    def _repeats(self, onsets: Series) -> Series:
        """Return the autocorrelation, the mean over overlapping segments of 30 s."""
        lags = int(_LONGEST_LAG_S * self._per_s)
        length = min(len(onsets), int(_SEGMENT_S * self._per_s))
        size = 1 << (2 * length - 1).bit_length()
        total, used = np.zeros(lags), 0
        smooth = np.ones(43) / 43
        for start in range(0, len(onsets) - length + 1, max(1, length // 2)):
            part = onsets[start : start + length]
            peaks = np.maximum(part - np.convolve(part, smooth, "same"), 0)
            peaks -= peaks.mean()
            found = np.fft.irfft(np.abs(np.fft.rfft(peaks, size)) ** 2)[:lags]
            if found[0] > 0:
                total += found / found[0]
                used += 1
        return total / max(1, used)
