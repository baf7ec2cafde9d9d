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
from sarau.audio._true_peak import PIECE, Stretch, Stretches, interpolator, oversampling
from sarau.audio._types import LIMITER_MARGIN_DB

_ATTACK_S: Final = 0.005
RELEASE_DB_PER_S: Final = 40.0
_NEPERS_PER_DB: Final = -math.log(10) / 20

_Decibels = NDArray[np.float64]


class Limiter:
    """Brings a stream of planar float frames to a gain, its true peak under a ceiling."""

    def __init__(
        self, rate_hz: int, layout: str, ceiling_dbtp: float, *, gain_db: float = 0.0
    ) -> None:
        self._rate_hz, self._layout = rate_hz, layout
        self._gain = np.float32(10 ** (gain_db / 20))
        self._ceiling_db = ceiling_dbtp - LIMITER_MARGIN_DB
        self._ceiling = 10 ** (self._ceiling_db / 20)
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
        samples = to_samples(frame, self._gain) if frame is not None else None
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
        found = stretch.above(self._ceiling, self._interpolator)
        needed = np.zeros(stretch.samples + PIECE)
        over_db = self._over_db(found.peaks)
        for start, row in zip(found.starts.tolist(), over_db, strict=True):
            piece = needed[start : start + PIECE]
            np.maximum(piece, row, out=piece)
        needed = needed[: stretch.samples]
        needed[0] = max(needed[0], self._last_db - self._fall_db)
        highest_db = max(float(needed[0]), float(over_db.max(initial=0.0)))
        if highest_db > 0:
            # Before the first peak there is nothing to hold, and some time after the last.
            first = 0 if needed[0] > 0 else int(found.starts.min())
            last = int(found.starts.max(initial=0)) + PIECE + math.ceil(highest_db / self._fall_db)
            falling = needed[first:last]
            slope = self._fall_db * np.arange(len(falling))
            np.maximum(np.maximum.accumulate(falling + slope) - slope, 0.0, out=falling)
        self._last_db = float(needed[-1])
        return needed

    def _over_db(self, peaks: Samples) -> _Decibels:
        """Return how far each sample, or what follows it, passes the ceiling."""
        held = np.maximum(peaks, np.float32(self._ceiling)).astype(np.float64)
        over_db: _Decibels = 20 * np.log10(held)
        return np.maximum(over_db - self._ceiling_db, 0.0)

    def _apply(self, count: int) -> AudioFrame:
        samples = np.concatenate(self._waiting, axis=1)
        out, rest = samples[:, :count], samples[:, count:]
        self._waiting, self._waiting_count = [rest], rest.shape[1]
        reach = 4 * self._half
        window = self._reduction[: count + reach]
        self._reduction = self._reduction[count:]
        for start, end in _at_work(window, 4 * reach):
            held = _sliding_max(window[start : end + reach], 2 * self._half + 1)
            gain = np.exp(_smoothed(held, self._half) * _NEPERS_PER_DB).astype(np.float32)
            out[:, start:end] *= gain[: count - start]
        frame = to_frame(out, rate_hz=self._rate_hz, layout=self._layout, pts=self._pts)
        self._pts += count
        return frame


def _at_work(window: _Decibels, block: int) -> Iterator[tuple[int, int]]:
    """Yield from where to where samples have to come down, in whole blocks.

    They do where there is a reduction in their block, or in the one after it.
    """
    highest = np.maximum.reduceat(window, np.arange(0, len(window), block)).tolist()
    begin: int | None = None
    for index, pair in enumerate(zip(highest, [*highest[1:], 0.0], strict=True)):
        if any(pair):
            begin = index if begin is None else begin
        elif begin is not None:
            yield begin * block, index * block
            begin = None
    if begin is not None:
        yield begin * block, len(window)


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
