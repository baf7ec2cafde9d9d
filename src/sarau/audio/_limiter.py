"""A true-peak limiter that sees what comes, in whole arrays.

Peaks are found on the oversampled signal (ITU-R BS.1770-5, annex 2). The reduction they
need, in decibels, falls off slowly after them, is held for a window and smoothed over
the same window, so that it is there in full when the peak is. The gain is then applied
at the rate of the source: there is no second resampling, and the length is exact.
"""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from sarau.audio._frames import Samples, to_frame, to_samples
from sarau.audio._loudness import channel_weights
from sarau.audio._true_peak import PIECE, Found, Stretch, Stretches, interpolator, oversampling

_ATTACK_S: Final = 0.005
RELEASE_DB_PER_S: Final = 40.0
_NEPERS_PER_DB: Final = -math.log(10) / 20
MARGIN_DB: Final = 0.1
"""What four times the samples may still miss of a peak of high notes."""

_Decibels = NDArray[np.float64]


class Limiter:
    """Keeps the true peak of a stream of planar float frames under a ceiling."""

    def __init__(self, rate_hz: int, layout: str, ceiling_dbtp: float) -> None:
        self._rate_hz, self._layout = rate_hz, layout
        self._ceiling_db = ceiling_dbtp - MARGIN_DB
        self._half = max(1, int(rate_hz * _ATTACK_S / 2))
        self._fall_db = RELEASE_DB_PER_S / rate_hz
        self._stretches = Stretches(len(channel_weights(layout)))
        self._interpolator = interpolator(oversampling(rate_hz))
        self._waiting: list[Samples] = []
        self._waiting_count = 0
        self._reduction: _Decibels = np.zeros(2 * self._half)
        """From `2 * half` before the first waiting sample up to what is known."""
        self._last_db = 0.0
        self._pts = 0

    def push(self, frame: AudioFrame | None) -> Iterator[AudioFrame]:
        """Take a frame, or the end; yield what is ready."""
        samples = to_samples(frame) if frame is not None else None
        if samples is not None:
            self._waiting.append(samples)
            self._waiting_count += samples.shape[1]
        needed = [self._needed(stretch) for stretch in self._stretches.push(samples)]
        self._reduction = np.concatenate([self._reduction, *needed])
        known = len(self._reduction) - 2 * self._half
        if frame is None:
            missing = self._waiting_count + 2 * self._half - known
            self._reduction = np.concatenate([self._reduction, np.zeros(max(0, missing))])
            ready = self._waiting_count
        else:
            ready = min(self._waiting_count, known - 2 * self._half)
        if ready > 0:
            yield self._apply(ready)

    def _needed(self, stretch: Stretch) -> _Decibels:
        """Return the needed reduction, falling off at a constant rate after each peak."""
        found = stretch.above(10 ** (self._ceiling_db / 20), self._interpolator)
        count = stretch.samples
        if self._last_db <= 0 and not len(found.starts):
            # Most of most music: nothing to hold.
            return np.zeros(count)
        wanted = self._wanted(found, count)
        slope = self._fall_db * np.arange(1, count + 1)
        wanted[0] = max(wanted[0], self._last_db - self._fall_db)
        falling = np.maximum(np.maximum.accumulate(wanted + slope) - slope, 0.0)
        self._last_db = float(falling[-1])
        return np.asarray(falling)

    def _wanted(self, found: Found, count: int) -> _Decibels:
        """Return what each sample needs by itself, all channels together."""
        wanted = np.zeros(count + PIECE)
        floor = np.float32(10 ** (self._ceiling_db / 20))
        over_db = 20 * np.log10(np.maximum(found.peaks, floor).astype(np.float64))
        for start, row in zip(found.starts.tolist(), over_db - self._ceiling_db, strict=True):
            if start < count:
                piece = wanted[start : start + PIECE]
                np.maximum(piece, row, out=piece)
        return wanted[:count]

    def _apply(self, count: int) -> AudioFrame:
        samples = np.concatenate(self._waiting, axis=1)
        out, rest = samples[:, :count], samples[:, count:]
        self._waiting, self._waiting_count = [rest], rest.shape[1]
        window = self._reduction[: count + 4 * self._half]
        self._reduction = self._reduction[count:]
        if window.any():
            smooth = _smoothed(_sliding_max(window, 2 * self._half + 1), self._half)
            out = out * np.exp(smooth * _NEPERS_PER_DB).astype(np.float32)
        frame = to_frame(out, rate_hz=self._rate_hz, layout=self._layout, pts=self._pts)
        self._pts += count
        return frame


def _sliding_max(values: _Decibels, width: int) -> _Decibels:
    """Return the maximum over every window of `width`, by doubling."""
    covered = 1
    while 2 * covered <= width:
        values = np.maximum(values[:-covered], values[covered:])
        covered *= 2
    rest = width - covered
    return np.maximum(values[:-rest], values[rest:]) if rest else values


def _smoothed(values: _Decibels, half: int) -> _Decibels:
    """Average twice over `half + 1`: a triangle as wide as the window of the maximum."""
    for _ in range(2):
        sums = np.concatenate([[0.0], np.cumsum(values)])
        values = (sums[half + 1 :] - sums[: -half - 1]) / (half + 1)
    return values
