"""Where the spectrum ends because the sound had a lower sample rate before.

That is less steep than a codec's wall: FFmpeg's own resampler takes 3 kHz to fall from the
noise of the old format to that of the new one, and leaves an image of the lowest notes at the
top. Dark music falls as far in the end, but it falls before already.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

LOWEST_HZ: Final = 7_000.0
"""Below it no end of a spectrum is looked for."""
_NEAR_HZ: Final = 1_500.0
_FAR_HZ: Final = 3_000.0
_FALL_DB: Final = 24.0
_EDGE_DB: Final = 10.0
_STAYS_LOW: Final = 0.6
_IMAGE_SHARE: Final = 0.2
"""Of what lies above; the image of 22.05 kHz at 44.1 fills about the upper kilohertz of 9."""

Levels = NDArray[np.float64]


def find_lower_rate(level: Levels, bin_hz: float) -> tuple[int, float] | None:
    """Return the bin where the band of the lower rate ends, and by how many dB it falls."""
    near, far = round(_NEAR_HZ / bin_hz), round(_FAR_HZ / bin_hz)
    at = np.arange(max(2 * far, round(LOWEST_HZ / bin_hz)), len(level) - far)
    if not len(at):
        return None
    sums = np.concatenate([[0.0], np.cumsum(level)])
    width = far - near
    before = (sums[at - near] - sums[at - far]) / width
    earlier = (sums[at - far] - sums[at - far - width]) / width
    drop = before - (sums[at + far] - sums[at + near]) / width
    # Less what it had fallen over those 3 kHz anyway, going on as before.
    beyond = drop - 2 * np.maximum(0.0, earlier - before)
    best = int(beyond.argmax())
    edge, fall = int(at[best]), float(drop[best])
    above = float(np.quantile(level[edge + near :], 1 - _IMAGE_SHARE))
    if beyond[best] < _FALL_DB or above > before[best] - _STAYS_LOW * fall:
        return None
    around = level[edge - far : edge + far]
    end = edge - far + int(np.flatnonzero(around >= before[best] - _EDGE_DB)[-1])
    return (end, fall) if end * bin_hz >= LOWEST_HZ else None
