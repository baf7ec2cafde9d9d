"""A short sound to warm up on."""

from typing import Final

import numpy as np

_RATE_HZ: Final = 48_000
_SAMPLES: Final = _RATE_HZ * 42 // 100
"""A little more than one window of 400 ms."""


def buzz() -> bytes:
    """Return a buzz as a WAV file: stereo, just long enough to have a loudness.

    It dies away, as a tone that lasts would be looked at closely for its peaks all along.
    """
    at = np.arange(2 * _SAMPLES)
    buzz = (at * 331 % 18_000 - 9_000) * np.exp2(-at / 2_000)
    samples = buzz.astype(np.int16).tobytes()
    head = b"WAVEfmt " + (16).to_bytes(4, "little") + (1).to_bytes(2, "little")
    head += (2).to_bytes(2, "little") + _RATE_HZ.to_bytes(4, "little")
    head += (4 * _RATE_HZ).to_bytes(4, "little") + (4).to_bytes(2, "little")
    head += (16).to_bytes(2, "little") + b"data" + len(samples).to_bytes(4, "little")
    return b"RIFF" + (len(head) + len(samples)).to_bytes(4, "little") + head + samples
