"""How many bits of a sample are ever used."""

from typing import Final

import numpy as np

from sarau.audio._frames import Samples

_FLOAT_BITS: Final = 32
_WHOLE_BITS: Final = 24
"""Floats of 32 bits hold whole numbers of 24 bits exactly, and no wider ones."""


class BitCounter:
    """Finds the lowest bit that is ever set in a lossless source, until all are in use."""

    def __init__(self, bit_depth: int | None) -> None:
        self._bits = bit_depth
        self._seen = 0
        self._fraction = False

    def push(self, samples: Samples) -> None:
        """Add (channels, samples)."""
        if self._bits is None or self._fraction or self._seen & 1:
            return
        scaled = samples * np.float32(1 << (_WHOLE_BITS - 1))
        whole = scaled.astype(np.int32)
        self._fraction = bool((whole != scaled).any())
        self._seen |= int(np.bitwise_or.reduce(whole, axis=None)) & ((1 << _WHOLE_BITS) - 1)

    def result(self) -> int | None:
        """Return the bits in use, counted from the highest; None when it cannot be told."""
        if self._bits is None or (not self._seen and not self._fraction):
            return None
        if self._fraction or self._bits > _FLOAT_BITS:
            return self._bits
        trailing = (self._seen & -self._seen).bit_length() - 1
        used = _WHOLE_BITS - trailing
        if trailing == 0 and self._bits > _WHOLE_BITS:
            # All 24 bits that can be seen are in use: nothing says that the others are not.
            return self._bits if self._bits != _FLOAT_BITS else _WHOLE_BITS
        return min(used, self._bits)
