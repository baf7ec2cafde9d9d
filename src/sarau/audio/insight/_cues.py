"""Where sound begins and ends, where the music does, and silence in between."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarau.audio.insight._levels import BLOCKS_PER_S, Levels
from sarau.audio.insight._types import Cues, Gap

_SILENCE: Final = 10 ** (-60 / 20)
_NEAR_LU: Final = 8.0
_WINDOW: Final = 3 * BLOCKS_PER_S
_SHORTEST_GAP_S: Final = 2.0
_MAX_GAPS: Final = 32


def find_cues(
    levels: Levels, short_term_lufs: NDArray[np.float64], programme_lufs: float | None
) -> Cues:
    """Return the points of a file.

    `short_term_lufs` are the windows of 3 s of EBU Tech 3341, one every 20 ms.
    """
    step_s = levels.block_s
    heard = np.flatnonzero(levels.peak > _SILENCE)
    length_s = levels.duration_s
    if not len(heard):
        return Cues(0.0, 0.0, 0.0, 0.0, 0.0, round(length_s, 2))
    first, last = int(heard[0]), int(heard[-1]) + 1
    intro, outro = first, last
    if programme_lufs is not None and len(short_term_lufs):
        loud = np.flatnonzero(short_term_lufs >= programme_lufs - _NEAR_LU)
        if len(loud):
            intro = min(max(first, _onset(levels, int(loud[0]))), last)
            outro = max(min(last, int(loud[-1]) + _WINDOW), intro)
    return Cues(
        cue_in_s=round(first * step_s, 2),
        intro_end_s=round(min(intro * step_s, length_s), 2),
        outro_start_s=round(min(outro * step_s, length_s), 2),
        cue_out_s=round(min(last * step_s, length_s), 2),
        start_silence_s=round(first * step_s, 2),
        end_silence_s=round(max(0.0, length_s - last * step_s), 2),
        gaps=_gaps(heard, step_s),
    )


def _onset(levels: Levels, window: int) -> int:
    """Return where a window's sound sets in: its first block near the window's own level."""
    power = levels.power[window : window + _WINDOW]
    near = np.flatnonzero(power >= power.mean() * 10 ** (-_NEAR_LU / 10))
    return window + (int(near[0]) if len(near) else 0)


def _gaps(heard: NDArray[np.int64], step_s: float) -> tuple[Gap, ...]:
    silent = (np.diff(heard) - 1) * step_s
    found = np.flatnonzero(silent >= _SHORTEST_GAP_S)[:_MAX_GAPS]
    return tuple(
        Gap(round(float(heard[at] + 1) * step_s, 2), round(float(silent[at]), 2)) for at in found
    )
