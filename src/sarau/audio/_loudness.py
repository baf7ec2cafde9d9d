"""EBU R 128 from the power of 20 ms blocks of K-weighted sound.

ITU-R BS.1770-5 (weighting, channel weights, gates), EBU Tech 3341 (momentary and
short-term windows) and EBU Tech 3342 (loudness range). The weighting filters run in
FFmpeg, in double precision; everything after them is a few sums over the blocks.
"""

import math
from array import array
from functools import reduce
from typing import Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from sarau.audio._frames import Chain, planes
from sarau.audio._gating import ABSOLUTE_GATE_LUFS, Powers, gated_lufs, lufs
from sarau.audio._types import LoudnessCurve

BLOCKS_PER_S: Final = 50
_MOMENTARY: Final = BLOCKS_PER_S * 4 // 10
_SHORT_TERM: Final = BLOCKS_PER_S * 3
_HOP: Final = BLOCKS_PER_S // 10
_RANGE_GATE_LU: Final = -20.0
_RANGE_PERCENTILES: Final = (0.10, 0.95)
_MAX_POINTS: Final = 1000
_SURROUND_WEIGHT: Final = 1.41

# The two filters of BS.1770 as analogue prototypes, so that they fit any sample rate.
_SHELF_HZ, _SHELF_DB, _SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
_HIGH_PASS_HZ, _HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773


class Loudmeter:
    """Collects the weighted power of planar float frames, block by block."""

    def __init__(self, rate_hz: int, layout: str) -> None:
        self._rate_hz = rate_hz
        self._weights = channel_weights(layout)
        filters = [("aformat", "sample_fmts=dblp"), _shelf(rate_hz), _high_pass(rate_hz)]
        self._chain = Chain(filters, rate_hz=rate_hz, sample_format="fltp", layout=layout)
        self._blocks = array("d")
        self._open_sum = 0.0
        self._position = 0

    def push(self, frame: AudioFrame | None) -> None:
        """Weigh a frame; None at the end."""
        for out in self._chain.push(frame):
            self._add(out)

    def _add(self, frame: AudioFrame) -> None:
        count = frame.samples
        weighted = (
            _power(np.frombuffer(memoryview(plane), np.float64, count), weight)
            for weight, plane in zip(self._weights, planes(frame), strict=False)
            if weight
        )
        power = reduce(_added, weighted)
        first = len(self._blocks) + 1
        ends = self._ends(first, self._position + count) - self._position
        self._position += count
        if not len(ends):
            self._open_sum += float(power.sum())
            return
        starts = np.append(0, ends)
        is_whole = int(ends[-1]) == count
        sums = np.add.reduceat(power, starts[:-1] if is_whole else starts)
        sums[0] += self._open_sum
        self._blocks.extend(sums[: len(ends)].tolist())
        self._open_sum = 0.0 if is_whole else float(sums[-1])

    def _ends(self, first: int, until: int) -> NDArray[np.int64]:
        """Return where the blocks from number `first` on end, as far as `until`."""
        last = until * BLOCKS_PER_S // self._rate_hz
        return np.arange(first, last + 1) * self._rate_hz // BLOCKS_PER_S

    def momentary_lufs(self, hop: int = 1) -> Powers:
        """Return the loudness of every 400 ms window, `hop` blocks apart."""
        return lufs(self._windows(_MOMENTARY)[::hop])

    def short_term_lufs(self, hop: int = 1) -> Powers:
        """Return the loudness of every 3 s window, `hop` blocks apart."""
        return lufs(self._windows(_SHORT_TERM)[::hop])

    def curve(self) -> LoudnessCurve:
        """Return loudness over time, in few enough points for a picture."""
        tenths = -(-len(self._blocks) // _HOP)
        hops = max(1, -(-tenths // _MAX_POINTS))
        width, points = hops * _HOP, -(-tenths // hops)
        return LoudnessCurve(
            step_s=hops / 10,
            momentary_lufs=_loudest(self.momentary_lufs(), _MOMENTARY, width, points),
            short_term_lufs=_loudest(self.short_term_lufs(), _SHORT_TERM, width, points),
        )

    def integrated_lufs(self, scale: Powers | None = None) -> float | None:
        """Return the programme loudness; None when nothing passes the gates.

        `scale` changes the power of each block, to ask what would be.
        """
        return gated_lufs(self.tenths(scale))

    def tenths(self, scale: Powers | None = None) -> Powers:
        """Return the mean power of every whole tenth of a second."""
        blocks = self._scaled(scale)
        whole = blocks[: len(blocks) // _HOP * _HOP]
        sums: Powers = whole.reshape(-1, _HOP).sum(axis=1)
        return sums / (_HOP * self._rate_hz / BLOCKS_PER_S)

    def range_lu(self) -> float | None:
        """Return the loudness range; None when nothing passes the absolute gate."""
        power = self._windows(_SHORT_TERM)[::_HOP]
        power = power[lufs(power) > ABSOLUTE_GATE_LUFS]
        if not len(power):
            return None
        levels = lufs(power)
        levels = np.sort(levels[levels >= lufs(power.mean()) + _RANGE_GATE_LU])
        low, high = (levels[round((len(levels) - 1) * part)] for part in _RANGE_PERCENTILES)
        return float(high - low)

    def _scaled(self, scale: Powers | None) -> Powers:
        blocks: Powers = np.frombuffer(self._blocks, np.float64)
        if scale is None:
            return blocks
        count = min(len(scale), len(blocks))
        return np.append(blocks[:count] * scale[:count], blocks[count:])

    def _windows(self, length: int) -> Powers:
        """Return the mean power of every `length` blocks in a row."""
        if len(self._blocks) < length:
            return np.zeros(0)
        # Sums of differences of one running sum would drown soft passages after loud ones.
        blocks = np.frombuffer(self._blocks, np.float64)
        windows = np.lib.stride_tricks.sliding_window_view(blocks, length)
        sums: Powers = windows.sum(axis=1)
        return sums / (length * self._rate_hz / BLOCKS_PER_S)


def _power(channel: Powers, weight: float) -> Powers:
    power: Powers = np.square(channel)
    return power if weight == 1 else np.multiply(power, weight, out=power)


def _added(power: Powers, more: Powers) -> Powers:
    return np.add(power, more, out=power)


def _loudest(levels: Powers, window: int, width: int, points: int) -> tuple[float, ...]:
    """Return the highest of every `width` levels, by the block in which their window ends."""
    filled = np.full(points * width, ABSOLUTE_GATE_LUFS)
    filled[window - 1 : window - 1 + len(levels)] = levels
    highest = filled.reshape(points, width).max(axis=1)
    return tuple(np.maximum(highest, ABSOLUTE_GATE_LUFS).round(1).tolist())


def channel_weights(layout: str) -> list[float]:
    """Return the weights of BS.1770-5, table 3: sides 1.41, no LFE, everything else 1.

    What FFmpeg calls the back pair is at the sides (110 degrees) where a layout has no
    other pair there, and behind (135 degrees) where it has.
    """
    names = [channel.name for channel in av.AudioLayout(layout).channels]
    has_sides = "SL" in names
    sides = {"SL", "SR"} if has_sides else {"BL", "BR"}
    return [
        0.0 if name.startswith("LFE") else _SURROUND_WEIGHT if name in sides else 1.0
        for name in names
    ]


def _shelf(rate_hz: int) -> tuple[str, str]:
    k = math.tan(math.pi * _SHELF_HZ / rate_hz)
    high = 10 ** (_SHELF_DB / 20)
    middle = high**0.4996667741545416
    a0 = 1 + k / _SHELF_Q + k * k
    return _biquad(
        (high + middle * k / _SHELF_Q + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - middle * k / _SHELF_Q + k * k) / a0,
        2 * (k * k - 1) / a0,
        (1 - k / _SHELF_Q + k * k) / a0,
    )


def _high_pass(rate_hz: int) -> tuple[str, str]:
    k = math.tan(math.pi * _HIGH_PASS_HZ / rate_hz)
    a0 = 1 + k / _HIGH_PASS_Q + k * k
    return _biquad(1.0, -2.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / _HIGH_PASS_Q + k * k) / a0)


def _biquad(b0: float, b1: float, b2: float, a1: float, a2: float) -> tuple[str, str]:
    names = zip(("b0", "b1", "b2", "a0", "a1", "a2"), (b0, b1, b2, 1.0, a1, a2), strict=True)
    arguments = ":".join(f"{name}={value!r}" for name, value in names)
    return "biquad", f"{arguments}:precision=f64"
