"""What tempo and key listen to: mono at about 22 kHz."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarau.audio._frames import Samples

Mono = NDArray[np.float32]
_ABOUT_HZ: Final = 22_050


class Downmixer:
    """Adds up the channels and takes the mean of every few samples.

    The mean is a poor filter, and good enough: what folds back is weak and short-lived.
    """

    def __init__(self, rate_hz: int) -> None:
        self._factor = max(1, round(rate_hz / _ABOUT_HZ))
        self.rate_hz = rate_hz / self._factor
        self._rest: Mono = np.zeros(0, np.float32)

    def push(self, samples: Samples) -> Mono:
        """Take (channels, samples) and return what is whole."""
        mono = samples[0] if len(samples) == 1 else samples.mean(axis=0)
        held = np.concatenate([self._rest, mono])
        whole = len(held) // self._factor * self._factor
        self._rest = held[whole:]
        if self._factor == 1:
            return held
        found: Mono = held[:whole].reshape(-1, self._factor).mean(axis=1)
        return found


class Windows:
    """Cuts a stream into overlapping windows."""

    def __init__(self, size: int, hop: int) -> None:
        self._size, self._hop = size, hop
        self._shape = np.hanning(size).astype(np.float32)
        self._rest: Mono = np.zeros(0, np.float32)

    def push(self, mono: Mono) -> NDArray[np.complex64]:
        """Return the transforms of all windows that are whole: (windows, bins)."""
        held = np.concatenate([self._rest, mono])
        count = max(0, (len(held) - self._size) // self._hop + 1)
        self._rest = held[count * self._hop :]
        if not count:
            return np.zeros((0, self._size // 2 + 1), np.complex64)
        views = np.lib.stride_tricks.sliding_window_view(held, self._size)[:: self._hop]
        return np.fft.rfft(views[:count] * self._shape).astype(np.complex64, copy=False)
