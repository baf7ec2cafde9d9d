"""Peaks between the samples, computed only where there can be one.

ITU-R BS.1770-5, annex 2, asks for the signal at four times 44.1 or 48 kHz. The filter is a
sinc of 32 taps under a Kaiser window (beta 9), as in FFmpeg's resampler, laid out as a matrix
for pieces of 64 samples. Hardly any piece can hold what is looked for, and that can be told
without the filter: what is between two samples departs from the straight line by no more than
the bend of the signal around them allows. What is left out is proven not to matter, so that
the result is that of oversampling everything.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, reduce
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarau.audio._frames import Samples

PIECE: Final = 64
_BLOCK: Final = 16 * PIECE
"""Looked at as one first; numpy is slow with many short rows."""
_OVERSAMPLED_HZ: Final = 176_400
_TAPS: Final = 32
_BEFORE: Final = _TAPS // 2 - 1
"""Taps before the sample that a fine one follows."""
_REACH: Final = _TAPS // 2
_KAISER_BETA: Final = 9.0
_ROUNDING: Final = 1 + 1e-5
"""More than single precision can make of the bound and of the filter."""

_Rows = NDArray[np.float32]


def oversampling(rate_hz: int) -> int:
    """Return how much finer to look: four times at 44.1 and 48 kHz, at least twice above."""
    return max(2, -(-_OVERSAMPLED_HZ // rate_hz))


@dataclass(frozen=True, slots=True, eq=False)
class Interpolator:
    """The filter for one factor, and how far it can depart from a straight line."""

    matrix: _Rows
    """From a piece with its surroundings to what follows each sample, phase by phase."""
    slope_share: float
    """The departure per unit of the highest level, for what slopes do."""
    bend_share: float
    """The departure per unit of the highest second difference."""

    def bounds(self, levels: _Rows, bends: _Rows) -> _Rows:
        """Return what nothing between samples of that level and second difference passes."""
        bounds: _Rows = levels * (1 + self.slope_share) + bends * self.bend_share
        return bounds * np.float32(_ROUNDING)


@cache
def interpolator(factor: int) -> Interpolator:
    """Return the filter that makes `factor` samples of one."""
    phase = np.arange(1, factor) / factor
    at = np.arange(_TAPS) - _BEFORE - phase[:, None]
    window = np.i0(_KAISER_BETA * np.sqrt(np.maximum(1 - (2 * at / _TAPS) ** 2, 0)))
    taps = np.sinc(at) * window
    taps /= taps.sum(axis=1, keepdims=True)
    matrix = np.zeros((PIECE + _TAPS - 1, factor - 1, PIECE), np.float32)
    for sample in range(PIECE):
        matrix[sample : sample + _TAPS, :, sample] = taps.T
    # The filter less the straight line is a filter of the differences, as its sum is 0; less
    # a slope it is one of the second differences. Summing it up twice gives its taps.
    bent = taps.copy()
    bent[:, _BEFORE] -= 1 - phase
    bent[:, _BEFORE + 1] -= phase
    slopes = (bent * np.arange(_TAPS)).sum(axis=1)
    bent[:, _BEFORE] += slopes
    bent[:, _BEFORE + 1] -= slopes
    bends = np.abs(bent.cumsum(axis=1).cumsum(axis=1)).sum(axis=1)
    return Interpolator(
        matrix.reshape(len(matrix), -1), 2 * float(np.abs(slopes).max()), float(bends.max())
    )


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The pieces of a stretch that may pass a level, and what is in them."""

    channels: NDArray[np.intp]
    starts: NDArray[np.intp]
    """The first sample of each, counted from the start of the stretch."""
    peaks: _Rows
    """Shape (pieces, samples): the highest of each sample and of what follows it."""


class Stretches:
    """Cuts a stream into whole blocks, each stretch with a piece before and one after it."""

    def __init__(self, channels: int) -> None:
        self._held: Samples = np.zeros((channels, PIECE), np.float32)

    def push(self, samples: Samples | None) -> "Iterator[Stretch]":
        """Take samples, or the end; at the end silence follows."""
        if samples is None:
            rest = self._held.shape[1] - PIECE
            if rest:
                silence = np.zeros((len(self._held), -rest % _BLOCK + PIECE), np.float32)
                yield Stretch(np.concatenate([self._held, silence], axis=1), rest)
            return
        held = np.concatenate([self._held, samples], axis=1)
        whole = (held.shape[1] - 2 * PIECE) // _BLOCK * _BLOCK
        if whole > 0:
            yield Stretch(held, whole)
            held = held[:, whole:]
        self._held = held


class Stretch:
    """`samples` of all channels, looked at block by block, and what is around them."""

    def __init__(self, held: Samples, samples: int) -> None:
        self.samples = samples
        self._held = held
        self._count = -(-samples // _BLOCK)
        self._levels = _highest(_windows(held, PIECE, _BLOCK + 1, self._count, hop=_BLOCK))

    @property
    def sample_peak(self) -> float:
        """The highest sample, without what is between them."""
        return float(self._levels.max())

    def above(self, level: float, found: Interpolator) -> Found:
        """Return the pieces that may pass `level`, looked at closely.

        Nothing else does: neither a sample nor what is between two of them.
        """
        bends = _windows(
            _bends(self._held), PIECE - _REACH, _BLOCK + 2 * _REACH, self._count, hop=_BLOCK
        )
        channels, blocks = np.nonzero(found.bounds(self._levels, _highest(bends)) > level)
        if not len(blocks):
            return Found(channels, blocks, np.zeros((0, PIECE), np.float32))
        wide = _windows(self._held, 0, _BLOCK + 2 * PIECE, self._count, hop=_BLOCK)
        rows, pieces, samples = _narrowed(wide[channels, blocks], level, found)
        starts = blocks[rows] * _BLOCK + pieces * PIECE
        return Found(channels[rows], starts, _finely(samples, found))


def _narrowed(
    wide: _Rows, level: float, found: Interpolator
) -> tuple[NDArray[np.intp], NDArray[np.intp], _Rows]:
    """Return which pieces of which blocks may pass `level`, and these with surroundings."""
    count = _BLOCK // PIECE
    levels = _highest(_windows(wide, PIECE, PIECE + 1, count, hop=PIECE))
    bends = _windows(_bends(wide), PIECE - _REACH, PIECE + 2 * _REACH, count, hop=PIECE)
    rows, pieces = np.nonzero(found.bounds(levels, _highest(bends)) > level)
    samples = _windows(wide, PIECE - _BEFORE, PIECE + _TAPS - 1, count, hop=PIECE)
    return rows, pieces, samples[rows, pieces]


def _finely(wide: _Rows, found: Interpolator) -> _Rows:
    """Return the highest of each sample and what follows it, from pieces with surroundings."""
    fine = np.abs(wide @ found.matrix)
    samples = np.abs(wide[:, _BEFORE : _BEFORE + PIECE])
    # Maxima of slices are several times faster than a maximum over a short axis.
    phases = (fine[:, start : start + PIECE] for start in range(0, fine.shape[1], PIECE))
    return reduce(np.maximum, phases, samples)


def _bends(rows: _Rows) -> _Rows:
    """Return the second difference at each sample, 0 at the ends of a row."""
    steps = rows[:, 1:] - rows[:, :-1]
    bends = np.empty_like(rows)
    bends[:, 0] = bends[:, -1] = 0
    np.subtract(steps[:, 1:], steps[:, :-1], out=bends[:, 1:-1])
    return bends


def _windows(rows: _Rows, first: int, width: int, count: int, *, hop: int) -> _Rows:
    """Return windows of each row without copying: (rows, count, width).

    `rows` has to be contiguous. numpy's own function takes longer than all the rest here.
    """
    line, step = rows.strides
    shape, strides = (len(rows), count, width), (line, hop * step, step)
    return np.ndarray(shape, rows.dtype, rows, first * step, strides)


def _highest(windows: _Rows) -> _Rows:
    """Return the highest absolute value of each window."""
    highest: _Rows = np.maximum(windows.max(axis=-1), -windows.min(axis=-1))
    return highest
