"""Where the spectrum ends, and whether a codec ended it.

Codecs that save bits leave out the highest octave's end: LAME from 16 kHz at 128 kbit/s
to 20 kHz at 320, AAC and Opus alike. The mean spectrum then falls by 30 dB and more
within some hundred hertz, to the noise of the format, and stays there. Instruments and
microphones fade out; the filters of converters do it above 20.5 kHz or over 2 kHz. A
codec that keeps everything (LAME's V0, AAC at 256 kbit/s) cannot be told in this way.
"""

from typing import Final

import numpy as np

from sarau.audio.insight._lower_rate import LOWEST_HZ, Levels, find_lower_rate
from sarau.audio.insight._types import Bandwidth

_NEAR_HZ: Final = 300.0
_FAR_HZ: Final = 1_200.0
_SMOOTH_HZ: Final = 120.0
_WALL_DB: Final = 20.0
_CERTAIN_DB: Final = 35.0
_EDGE_DB: Final = 10.0
_STAYS_LOW: Final = 0.6
_NARROW_HZ: Final = 900.0


def find_bandwidth(mean_power: Levels, bin_hz: float) -> Bandwidth:
    """Return where the mean spectrum ends; bin 0 is at 0 Hz."""
    if not mean_power.any():
        return Bandwidth(cutoff_hz=None, wall_db=0.0, lossy_confidence=0.0)
    width = max(1, round(_SMOOTH_HZ / bin_hz))
    level = np.convolve(10 * np.log10(mean_power + 1e-18), np.ones(width) / width, "valid")
    # Averages of `width` bins stand for the middle one of them.
    offset = width // 2
    top_hz = (len(mean_power) - 1) * bin_hz
    wall = _find_wall(level, bin_hz, offset, top_hz)
    if wall.lossy_confidence > 0:
        return wall
    end, fall = find_lower_rate(level, bin_hz) or (len(mean_power), 0.0)
    if (end_hz := float(round((end + offset) * bin_hz))) >= (wall.cutoff_hz or top_hz):
        return wall
    return Bandwidth(cutoff_hz=end_hz, wall_db=round(fall, 1), lossy_confidence=0.0)


def _find_wall(level: Levels, bin_hz: float, offset: int, top_hz: float) -> Bandwidth:
    at, drop = _steepest(level, bin_hz)
    if drop < _WALL_DB:
        return Bandwidth(cutoff_hz=top_hz, wall_db=round(drop, 1), lossy_confidence=0.0)
    before = _before(level, at, bin_hz)
    near, far = round(_NEAR_HZ / bin_hz), round(_FAR_HZ / bin_hz)
    around = level[at - far : at + far]
    start = at - far + int(np.flatnonzero(around >= before - _EDGE_DB)[-1])
    floor = before - drop + _EDGE_DB / 2
    low = np.flatnonzero(level[start:] <= floor)
    fall_hz = (int(low[0]) if len(low) else 2 * near) * bin_hz
    cutoff_hz = (start + offset) * bin_hz
    sure = min(1.0, (drop - _WALL_DB) / (_CERTAIN_DB - _WALL_DB))
    return Bandwidth(
        cutoff_hz=float(round(cutoff_hz)),
        wall_db=round(drop, 1),
        lossy_confidence=round(sure * _codec_like(cutoff_hz, fall_hz, top_hz), 2),
    )


def _before(level: Levels, at: int, bin_hz: float) -> float:
    near, far = round(_NEAR_HZ / bin_hz), round(_FAR_HZ / bin_hz)
    return float(level[at - far : at - near].mean())


def _steepest(level: Levels, bin_hz: float) -> tuple[int, float]:
    """Return the bin where the spectrum falls most and for good, and by how many dB."""
    near, far = round(_NEAR_HZ / bin_hz), round(_FAR_HZ / bin_hz)
    first, last = max(far, round(LOWEST_HZ / bin_hz)), len(level) - 2 * near
    if last <= first:
        return 0, 0.0
    sums = np.concatenate([[0.0], np.cumsum(level)])
    at = np.arange(first, last)
    before = (sums[at - near] - sums[at - far]) / (far - near)
    ends = np.minimum(at + far, len(level))
    after = (sums[ends] - sums[at + near]) / (ends - at - near)
    highest_above = np.maximum.accumulate(level[::-1])[::-1][at + near]
    drop = before - after
    drop[highest_above > before - _STAYS_LOW * drop] = 0.0
    best = int(drop.argmax())
    return int(at[best]), float(drop[best])


def _codec_like(cutoff_hz: float, fall_hz: float, top_hz: float) -> float:
    """Return how much the place and the steepness of a wall speak for a codec, 0 to 1."""
    narrow = fall_hz <= _NARROW_HZ
    if cutoff_hz < 12_600:  # noqa: PLR2004 - where 22.05 kHz ends, its first image included
        return 0.3
    if cutoff_hz < 19_400:  # noqa: PLR2004 - no converter's filter is so low
        return 0.95 if narrow else 0.7
    if cutoff_hz < 20_800:  # noqa: PLR2004 - codecs at high rates, and some old converters
        return (0.6 if top_hz < 23_000 else 0.8) if narrow else 0.25  # noqa: PLR2004
    return 0.0
