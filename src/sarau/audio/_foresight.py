"""What a limiter would cost in loudness, foretold while the source is measured.

The limiter's reduction is carried out on the peaks of pieces of 5 ms, and the weighted
power of each block of 20 ms is scaled by it. That saves decoding the source once or
twice more before rendering, only to find out. What is left of the error, a few
hundredths of a unit, is found when the renditions are measured.
"""

from array import array
from functools import reduce
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarau.audio._frames import Samples
from sarau.audio._limiter import MARGIN_DB, RELEASE_DB_PER_S
from sarau.audio._loudness import BLOCKS_PER_S, Loudmeter
from sarau.audio._types import LIMITING_STEP_DB

_PIECES: Final = 4
"""Of a block: each as long as the limiter's attack."""
_STEPS: Final = 26
"""To 13 dB: the most limiting a preset may allow, and a codec's headroom under it."""
_FLOOR_POWER: Final = 1e-20
_NEXT_SHARE: Final = 1 / 6
"""How much of a piece the attack of the next one takes, on average."""


class Foresight:
    """Collects the sample peak of all channels, piece by piece."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._peaks = array("f")
        self._open_peak = 0.0
        self._position = 0

    def push(self, samples: Samples) -> None:
        """Look at the next samples."""
        count = samples.shape[1]
        if not count:
            return
        per_s = BLOCKS_PER_S * _PIECES
        first = len(self._peaks) + 1
        last = (self._position + count) * per_s // self._rate_hz
        ends = np.arange(first, last + 1) * self._rate_hz // per_s - self._position
        self._position += count
        loudest = np.append(reduce(np.maximum, np.abs(samples)), np.float32(0))
        peaks = np.maximum.reduceat(loudest, np.append(0, ends))
        peaks[0] = max(float(peaks[0]), self._open_peak)
        self._peaks.extend(peaks[:-1].tolist())
        self._open_peak = float(peaks[-1])

    def losses_lu(self, meter: Loudmeter, true_peak_dbtp: float) -> tuple[float, ...]:
        """Return what limiting by 0, 0.5, 1... dB below the true peak would take."""
        before = meter.integrated_lufs()
        if before is None:
            return ()
        whole = len(self._peaks) // _PIECES * _PIECES
        with np.errstate(divide="ignore"):
            peaks = np.frombuffer(self._peaks, np.float32, whole).astype(np.float64)
            levels_db = 20 * np.log10(peaks)
        losses = []
        for step in range(_STEPS + 1):
            threshold_db = true_peak_dbtp - step * LIMITING_STEP_DB - MARGIN_DB
            after = meter.integrated_lufs(_powers(levels_db, threshold_db))
            losses.append(round(max(0.0, before - after), 3) if after is not None else 0.0)
        return tuple(losses)


def _powers(levels_db: NDArray[np.float64], threshold_db: float) -> NDArray[np.float64]:
    """Return what a limiter leaves of the power of each block.

    Where in a block its power is, the peaks tell: a stroke is loudest where it is held most.
    """
    fall_db = RELEASE_DB_PER_S / (BLOCKS_PER_S * _PIECES)
    slope = fall_db * np.arange(len(levels_db))
    reduction = levels_db - threshold_db + slope
    reduction = np.maximum(np.maximum.accumulate(reduction) - slope, 0.0)
    reduction[:-1] += _NEXT_SHARE * (reduction[1:] - reduction[:-1])
    weight = 10 ** (levels_db / 10) + _FLOOR_POWER
    left = weight * 10 ** (reduction / -10)
    blocks: NDArray[np.float64] = _summed(left) / _summed(weight)
    return blocks


def _summed(pieces: NDArray[np.float64]) -> NDArray[np.float64]:
    blocks: NDArray[np.float64] = pieces.reshape(-1, _PIECES).sum(axis=1)
    return blocks
