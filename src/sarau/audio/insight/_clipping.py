"""Clipping: tops that are flat and sides that are steep."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarau.audio._frames import Samples
from sarau.audio.insight._levels import decibels
from sarau.audio.insight._types import Clipping

_SHORTEST: Final = 3
_NEAR_TOP: Final = 0.999
_LOWEST: Final = 0.1
_FLAT: Final = 2e-6
"""A hair over what 24 bits can tell apart, where the top is below full scale."""
_FLAT_AT_FULL_SCALE: Final = 1.01 / 32768
_FULL_SCALE: Final = 32766 / 32768
_STEEP: Final = 4e-4
"""A low note bends round its top in steps of a few 16-bit levels; a cut top has steep sides."""
_MAX_PLACES: Final = 32
_MAX_TAIL: Final = 4096


class ClippingFinder:
    """Counts flat tops at the highest level so far; a higher top makes earlier ones void."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._rate_hz = rate_hz
        self._top = _LOWEST
        self._tails: list[NDArray[np.float32]] = [np.zeros(0, np.float32)] * channels
        self._position = 0
        self._reset()

    def _reset(self) -> None:
        self._runs = self._samples = self._longest = 0
        self._places: list[float] = []

    def push(self, samples: Samples) -> None:
        """Add (channels, samples)."""
        top = float(max(samples.max(), -samples.min()))
        if top * _NEAR_TOP > self._top:
            self._reset()
        self._top = max(self._top, top)
        for index, channel in enumerate(samples):
            tail = self._tails[index]
            if len(tail) > 1 or top >= self._top * _NEAR_TOP:
                held = np.concatenate([tail, channel])
                self._tails[index] = self._find(held, self._position - len(tail))
            else:
                self._tails[index] = channel[-1:].copy()
        self._position += samples.shape[1]

    def _find(self, held: NDArray[np.float32], start: int) -> NDArray[np.float32]:
        """Count the runs that end in `held`; return what the next piece must begin with."""
        size = np.abs(held)
        hot = size >= self._top * _NEAR_TOP
        hot_at = np.flatnonzero(hot)
        if len(hot_at) < _SHORTEST:
            return held[-_SHORTEST - 1 :].copy() if len(hot_at) and hot[-1] else held[-1:].copy()
        flat = _FLAT_AT_FULL_SCALE if self._top >= _FULL_SCALE else _FLAT
        steps = np.abs(np.diff(held[hot_at]))
        breaks = np.flatnonzero((np.diff(hot_at) > 1) | (steps > flat)) + 1
        firsts = hot_at[np.append(0, breaks)]
        lasts = hot_at[np.append(breaks - 1, len(hot_at) - 1)]
        open_run = lasts[-1] == len(held) - 1 and lasts[-1] - firsts[-1] < _MAX_TAIL
        tail = held[max(0, firsts[-1] - 1) :] if open_run else held[-1:]
        if open_run:
            firsts, lasts = firsts[:-1], lasts[:-1]
        self._count(held, firsts, lasts, start)
        return tail.copy()

    def _count(
        self,
        held: NDArray[np.float32],
        firsts: NDArray[np.int64],
        lasts: NDArray[np.int64],
        start: int,
    ) -> None:
        lengths = lasts - firsts + 1
        before, after = held[np.maximum(firsts - 1, 0)], held[np.minimum(lasts + 1, len(held) - 1)]
        steepest = np.maximum(np.abs(held[firsts] - before), np.abs(held[lasts] - after))
        real = (lengths >= _SHORTEST) & (steepest >= _STEEP)
        self._runs += int(real.sum())
        self._samples += int(lengths[real].sum())
        self._longest = max(self._longest, int(lengths[real].max(initial=0)))
        for first in firsts[real]:
            if len(self._places) >= _MAX_PLACES:
                break
            at_s = (start + int(first)) / self._rate_hz
            if not self._places or at_s - self._places[-1] >= 1:
                self._places.append(round(at_s, 3))

    def result(self) -> Clipping:
        """Return what was found; a run that reaches the very end counts too."""
        for index, tail in enumerate(self._tails):
            if len(tail) > _SHORTEST:
                held = np.append(tail, np.float32(0))
                self._find(held, self._position - len(tail))
                self._tails[index] = tail[:0]
        if not self._runs:
            return Clipping()
        return Clipping(
            runs=self._runs,
            samples=self._samples,
            longest_samples=self._longest,
            level_dbfs=decibels(self._top, 20),
            places_s=tuple(self._places),
        )
