"""What a limiter would cost in loudness, foretold while the source is measured.

The limiter's reduction is carried out on the peaks of pieces of 5 ms, and the weighted
power of each block of 20 ms is scaled by it. That saves decoding the source once or
twice more before rendering, only to find out. What is left of the error, a few
hundredths of a unit, is found when the renditions are measured.
"""

import math
from array import array
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarau.audio._frames import Levels
from sarau.audio._limiter import RELEASE_DB_PER_S
from sarau.audio._loudness import BLOCKS_PER_S, Loudmeter
from sarau.audio._types import LIMITER_MARGIN_DB, LIMITING_STEP_DB

_PIECES: Final = 4
"""Of a block: each as long as the limiter's attack."""
_BETWEEN_DB: Final = 0.1
"""By how much what is between the samples makes the limiter work harder, on average."""
_STEPS: Final = 26
"""To 13 dB: the most limiting a preset may allow, and a codec's headroom under it."""
_FLOOR_POWER: Final = 1e-20
_NEPERS_OF_POWER_PER_DB: Final = -math.log(10) / 10
_NEXT_SHARE: Final = 1 / 6
"""How much of a piece the attack of the next one takes, on average."""


class Foresight:
    """Collects the sample peak of all channels, piece by piece."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._peaks = array("f")
        self._open_peak = 0.0
        self._position = 0

    def push(self, loudest: Levels) -> None:
        """Look at the loudest channel of each of the next samples."""
        count = len(loudest)
        if not count:
            return
        per_s = BLOCKS_PER_S * _PIECES
        first = len(self._peaks) + 1
        last = (self._position + count) * per_s // self._rate_hz
        ends = np.arange(first, last + 1) * self._rate_hz // per_s - self._position
        self._position += count
        starts = np.append(0, ends)
        is_whole = int(starts[-1]) == count
        peaks = np.maximum.reduceat(loudest, starts[:-1] if is_whole else starts)
        peaks[0] = max(float(peaks[0]), self._open_peak)
        self._peaks.extend(peaks[: len(ends)].tolist())
        self._open_peak = 0.0 if is_whole else float(peaks[-1])

    def losses_lu(
        self, meter: Loudmeter, true_peak_dbtp: float, worked: Callable[[], None]
    ) -> tuple[float, ...]:
        """Return what limiting by 0, 0.5, 1... dB below the true peak would take.

        `worked` is called after each step: in six hours of music they take a while.
        """
        before = meter.integrated_lufs()
        if before is None:
            return ()
        whole = len(self._peaks) // _PIECES * _PIECES
        limited = _Limited(np.frombuffer(self._peaks, np.float32, whole).astype(np.float64))
        below_db = LIMITER_MARGIN_DB + _BETWEEN_DB
        losses = [0.0]
        for step in range(1, _STEPS + 1):
            threshold_db = true_peak_dbtp - step * LIMITING_STEP_DB - below_db
            after = meter.integrated_lufs(limited.powers(threshold_db))
            losses.append(round(max(0.0, before - after), 3) if after is not None else 0.0)
            worked()
        return tuple(losses)


class _Limited:
    """What a limiter leaves of the power of each block, for any threshold."""

    def __init__(self, peaks: NDArray[np.float64]) -> None:
        with np.errstate(divide="ignore"):
            levels_db = 20 * np.log10(peaks)
        slope = RELEASE_DB_PER_S / (BLOCKS_PER_S * _PIECES) * np.arange(len(peaks))
        self._held_db = np.maximum.accumulate(levels_db + slope) - slope
        """The level of each piece, or what is left by then of a higher one before it."""
        # Where in a block its power is, the peaks tell: a stroke is loudest where it is held most.
        self._weight = peaks * peaks + _FLOOR_POWER
        self._whole = _summed(self._weight)

    def powers(self, threshold_db: float) -> NDArray[np.float64]:
        reduction = np.maximum(self._held_db - threshold_db, 0.0)
        reduction[:-1] += _NEXT_SHARE * (reduction[1:] - reduction[:-1])
        left = self._weight * np.exp(reduction * _NEPERS_OF_POWER_PER_DB)
        blocks: NDArray[np.float64] = _summed(left) / self._whole
        return blocks


def _summed(pieces: NDArray[np.float64]) -> NDArray[np.float64]:
    blocks: NDArray[np.float64] = pieces.reshape(-1, _PIECES).sum(axis=1)
    return blocks
