"""The gates of ITU-R BS.1770-5, over one sound or over many as if they were one.

Everything is in tenths of a second of K-weighted, channel-weighted mean power: four of
them are a gating block of 400 ms, and the next block begins one tenth later.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

ABSOLUTE_GATE_LUFS: Final = -70.0
_RELATIVE_GATE_LU: Final = -10.0
_OFFSET_LU: Final = -0.691
_BLOCK_TENTHS: Final = 4

Powers = NDArray[np.float64]


def lufs(power: Powers | float) -> Powers:
    """Return power as loudness; silence is minus infinity."""
    with np.errstate(divide="ignore"):
        return np.asarray(_OFFSET_LU + 10 * np.log10(power))


def gated_lufs(tenths: Powers) -> float | None:
    """Return the programme loudness; None when nothing passes the gates."""
    blocks = gated_blocks(tenths)
    return float(lufs(blocks.mean())) if len(blocks) else None


def gated_blocks(tenths: Powers) -> Powers:
    """Return the power of the gating blocks that pass both gates."""
    if len(tenths) < _BLOCK_TENTHS:
        return np.zeros(0)
    windows = np.lib.stride_tricks.sliding_window_view(tenths, _BLOCK_TENTHS)
    power: Powers = windows.mean(axis=1)
    power = power[lufs(power) > ABSOLUTE_GATE_LUFS]
    if not len(power):
        return power
    gate = lufs(power.mean()) + _RELATIVE_GATE_LU
    return power[lufs(power) > gate]


def pack(tenths: Powers) -> bytes:
    """Return powers in few bytes: 144 kB an hour."""
    return tenths.astype("<f4").tobytes()


def join(packed: Iterable[bytes]) -> Powers:
    """Return the powers of many sounds, one after the other."""
    return np.frombuffer(b"".join(packed), "<f4").astype(np.float64)
