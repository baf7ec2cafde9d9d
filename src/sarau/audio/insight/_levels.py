"""Level, stereo and DC of every 20 ms, and of the whole."""

import math
from array import array
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarau.audio._frames import Samples
from sarau.audio.insight._types import ChannelLevel, Stereo

BLOCKS_PER_S: Final = 50
_STEREO: Final = 2
_WINDOW_S: Final = 3
_GATE_DB: Final = -30.0
_SAME_DB: Final = -70.0

Series = NDArray[np.float64]


class Levels:
    """Keeps power, peak and the products of left and right, block by block.

    Five numbers a block are 2 kB a second in the worst case; two hours are 7 MB.
    """

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._rate_hz = rate_hz
        self._width = max(1, rate_hz // BLOCKS_PER_S)
        self.block_s = self._width / rate_hz
        self._rest: Samples = np.zeros((channels, 0), np.float32)
        self._sums = np.zeros(channels)
        self._squares = np.zeros(channels)
        self._peaks = np.zeros(channels)
        self._count = 0
        self._power, self._peak = array("f"), array("f")
        self._left, self._right, self._cross = array("f"), array("f"), array("f")

    def push(self, samples: Samples) -> None:
        """Add (channels, samples)."""
        held = np.concatenate([self._rest, samples], axis=1)
        whole = held.shape[1] // self._width
        if whole:
            self._add(held[:, : whole * self._width].reshape(len(held), whole, self._width))
        self._rest = held[:, whole * self._width :]

    def finish(self) -> None:
        """Take in what is left of the last block."""
        if self._rest.shape[1]:
            self._add(self._rest[:, None, :])
            self._rest = self._rest[:, :0]

    def _add(self, blocks: Samples) -> None:
        length = blocks.shape[2]
        squares = np.einsum("cbn,cbn->cb", blocks, blocks).astype(np.float64)
        peaks = np.maximum(blocks.max(axis=2), -blocks.min(axis=2))
        self._sums += blocks.sum(axis=2, dtype=np.float64).sum(axis=1)
        self._squares += squares.sum(axis=1)
        self._peaks = np.maximum(self._peaks, peaks.max(axis=1))
        self._count += blocks.shape[1] * length
        _extend(self._power, squares.mean(axis=0) / length)
        _extend(self._peak, peaks.max(axis=0))
        if len(blocks) == _STEREO:
            _extend(self._left, squares[0] / length)
            _extend(self._right, squares[1] / length)
            _extend(self._cross, np.einsum("bn,bn->b", blocks[0], blocks[1]) / length)

    @property
    def duration_s(self) -> float:
        """Return how long the sound is, which need not be whole blocks."""
        return self._count / self._rate_hz

    @property
    def power(self) -> Series:
        """Return the mean square of each block, over all channels."""
        return np.asarray(self._power, np.float64)

    @property
    def peak(self) -> Series:
        """Return the highest sample of each block, of all channels."""
        return np.asarray(self._peak, np.float64)

    def channels(self) -> tuple[ChannelLevel, ...]:
        """Return the level of each channel."""
        count = max(1, self._count)
        return tuple(
            ChannelLevel(
                rms_dbfs=decibels(square / count, 10),
                peak_dbfs=decibels(peak, 20),
                dc_offset=round(float(total / count), 6),
            )
            for total, square, peak in zip(self._sums, self._squares, self._peaks, strict=True)
        )

    def stereo(self) -> Stereo | None:
        """Return how two channels go together; None when there are not two."""
        if not self._left:
            return None
        left, right, cross = (
            np.asarray(each, np.float64) for each in (self._left, self._right, self._cross)
        )
        both = math.sqrt(left.sum() * right.sum())
        if both <= 0:
            return Stereo(None, None, None, None, identical=False, inverted=False)
        lowest, at_s = self._lowest(left, right, cross)
        power = left.sum() + right.sum()
        side, middle = (power - 2 * cross.sum(), power + 2 * cross.sum())
        return Stereo(
            correlation=round(float(cross.sum() / both), 3),
            min_correlation=lowest,
            min_correlation_at_s=at_s,
            balance_db=decibels(left.sum() / right.sum(), 10),
            identical=bool(side <= power * 10 ** (_SAME_DB / 10)),
            inverted=bool(middle <= power * 10 ** (_SAME_DB / 10)),
        )

    def _lowest(
        self, left: Series, right: Series, cross: Series
    ) -> tuple[float | None, float | None]:
        """Return the lowest correlation of a window of 3 s, and where it begins."""
        length = min(len(cross), _WINDOW_S * BLOCKS_PER_S)
        lefts, rights, crosses = (_running(each, length) for each in (left, right, cross))
        power = lefts + rights
        heard = (power > power.max() * 10 ** (_GATE_DB / 10)) & (lefts > 0) & (rights > 0)
        if not heard.any():
            return None, None
        correlation = np.ones(len(power))
        correlation[heard] = crosses[heard] / np.sqrt(lefts[heard] * rights[heard])
        at = int(correlation.argmin())
        return round(float(correlation[at]), 3), round(at * self.block_s, 2)


def decibels(ratio: float, factor: int) -> float | None:
    """Return a ratio in dB (factor 10 of powers, 20 of levels), None for nothing."""
    return round(factor * math.log10(ratio), 2) if ratio > 0 else None


def _running(values: Series, length: int) -> Series:
    """Return the sum of every `length` values in a row."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(total[length:] - total[:-length])


def _extend(held: "array[float]", values: NDArray[np.floating]) -> None:
    held.frombytes(np.ascontiguousarray(values, np.float32).tobytes())
