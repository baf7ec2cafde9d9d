"""Peaks for pictures, in memory that does not grow with the file."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarau.audio._frames import Levels
from sarau.audio._types import Waveform

_FIRST_SAMPLES_PER_PIXEL: Final = 256
_MAX_PIXELS: Final = 8192
_LOUDEST: Final = 1e9
"""180 dB above full scale; the power of much more has no number."""


class Peaks:
    """Collects the envelope of all channels: the lowest minimum and highest maximum.

    When twice as many pixels as wanted are held, neighbours are merged.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._samples_per_pixel = _FIRST_SAMPLES_PER_PIXEL
        self._pixels: NDArray[np.float32] = np.zeros((2 * _MAX_PIXELS, 2), np.float32)
        self._count = 0
        self._rest: NDArray[np.float32] = np.zeros((2, 0), np.float32)

    def push(self, lowest: Levels, highest: Levels) -> bool:
        """Add the extremes of each sample; False says that some are no numbers, or no sound."""
        # What is not a number is not in any range.
        is_sound = bool(lowest.min() >= -_LOUDEST and highest.max() <= _LOUDEST)
        held = np.concatenate([self._rest, np.stack([lowest, highest])], axis=1)
        while True:
            if self._count == len(self._pixels):
                self._merge()
            width = self._samples_per_pixel
            whole = min(held.shape[1] // width, len(self._pixels) - self._count)
            if whole == 0:
                break
            block = held[:, : whole * width].reshape(2, whole, width)
            self._pixels[self._count : self._count + whole, 0] = block[0].min(axis=1)
            self._pixels[self._count : self._count + whole, 1] = block[1].max(axis=1)
            self._count += whole
            held = held[:, whole * width :]
        self._rest = held
        return is_sound

    def _merge(self) -> None:
        half = self._count // 2
        self._pixels[:half] = _merged(self._pixels[: self._count])
        self._count = half
        self._samples_per_pixel *= 2

    def result(self) -> Waveform:
        """Return the waveform, at most `_MAX_PIXELS` wide."""
        if self._rest.shape[1]:
            self._pixels[self._count] = self._rest[0].min(), self._rest[1].max()
            self._count += 1
            self._rest = self._rest[:, :0]
        if self._count > _MAX_PIXELS:
            if self._count % 2:
                self._pixels[self._count] = self._pixels[self._count - 1]
                self._count += 1
            self._merge()
        scaled = np.clip(np.rint(self._pixels[: self._count] * 127), -128, 127)
        return Waveform(
            sample_rate_hz=self._rate_hz,
            channels=1,
            samples_per_pixel=self._samples_per_pixel,
            bits=8,
            data=scaled.astype(np.int8).tobytes(),
        )


def _merged(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    pairs = pixels.reshape(-1, 2, 2)
    return np.stack([pairs[:, :, 0].min(axis=1), pairs[:, :, 1].max(axis=1)], axis=1)
