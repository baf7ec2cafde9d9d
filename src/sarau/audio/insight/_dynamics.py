"""Ratios of peak, RMS and loudness."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarau.audio.insight._levels import BLOCKS_PER_S, Levels, decibels
from sarau.audio.insight._types import Dynamics
from sarau.model.loudness import Loudness

_WINDOW: Final = 3 * BLOCKS_PER_S
_PROGRAMME_GATE_LU: Final = -20.0
_DIGITAL_SILENCE: Final = 10 ** (-110 / 10)
_QUIET_SHARE: Final = 0.05
_STEADY: Final = 10 ** (2 / 10)
"""Pauses have the level of their noise again and again; a fade has every level once."""
_MIN_BLOCKS: Final = 5 * BLOCKS_PER_S


def find_dynamics(
    levels: Levels,
    short_term_lufs: NDArray[np.float64],
    loudness: Loudness,
    effective_bits: int | None,
) -> Dynamics:
    """Return the ratios; `short_term_lufs` as in `find_cues`.

    PLR and PSR are those of AES TD1008 (2021), the latter with sample peaks.
    """
    power, peak = levels.power, levels.peak
    plr_db = None
    if loudness.true_peak_dbtp is not None and loudness.integrated_lufs is not None:
        plr_db = round(loudness.true_peak_dbtp - loudness.integrated_lufs, 2)
    crest = float(peak.max()) ** 2 / float(power.mean()) if power.any() else 0.0
    return Dynamics(
        crest_db=decibels(crest, 10),
        plr_db=plr_db,
        min_psr_db=_min_psr(peak, short_term_lufs, loudness.integrated_lufs),
        noise_floor_dbfs=_noise_floor(power),
        effective_bits=effective_bits,
    )


def _min_psr(
    peak: NDArray[np.float64], short_term: NDArray[np.float64], programme_lufs: float | None
) -> float | None:
    count = min(len(short_term), len(peak) - _WINDOW + 1)
    if programme_lufs is None or count <= 0:
        return None
    highest = sliding_max(peak, _WINDOW)[:count]
    levels = short_term[:count]
    heard = (levels > programme_lufs + _PROGRAMME_GATE_LU) & (highest > 0)
    if not heard.any():
        return None
    return round(float((20 * np.log10(highest[heard]) - levels[heard]).min()), 2)


def sliding_max(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Return the highest of every `length` values in a row, by doubling."""
    found, width = values, 1
    while 2 * width <= length:
        found = np.maximum(found[:-width], found[width:])
        width *= 2
    rest = length - width
    return np.maximum(found[: len(found) - rest], found[rest:]) if rest else found


def _noise_floor(power: NDArray[np.float64]) -> float | None:
    """Return the RMS of the quietest blocks, None when there is no steady noise among them."""
    heard = np.sort(power[power > _DIGITAL_SILENCE])
    if len(heard) < _MIN_BLOCKS:
        return None
    quiet = heard[: max(1, int(len(heard) * _QUIET_SHARE))]
    if quiet[-1] > quiet[len(quiet) // 5] * _STEADY:
        return None
    return decibels(float(quiet.mean()), 10)
