"""The acoustic fingerprint: what a recording sounds like, in 32 bits every eighth of a second.

The algorithm is Chromaprint's (number 2 of its version 1.5), as its author describes it: mono
at 11025 Hz, the energy of the twelve pitch classes in windows that overlap by two thirds,
smoothed and scaled, and sixteen filters over two seconds of that picture, each read as two
bits. The filters and their thresholds were found by training and are part of the format: only
with the same ones are two fingerprints comparable. docs/adr/0015 says how near ours are to
those of the program itself.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from sarau.audio._frames import Chain
from sarau.model.fingerprint import Fingerprint

_RATE_HZ: Final = 11_025
_SIZE: Final = 4096
_HOP: Final = _SIZE // 3
_RESAMPLER: Final = f"{_RATE_HZ}:filter_size=16:phase_shift=8:cutoff=0.8"
_LONGEST_S: Final = 3600
_LOWEST_HZ, _HIGHEST_HZ = 28, 3520
_BANDS: Final = 12
_A0_HZ: Final = 27.5
_SMOOTH: Final = (0.25, 0.75, 1.0, 0.75, 0.25)
_SILENCE: Final = 0.01
_WIDEST: Final = 16
_GRAY: Final = np.array([0, 1, 3, 2], np.uint32)

# Shape, first band, bands, columns, and the thresholds between the four values.
_FILTERS: Final = (
    (0, 4, 3, 15, (1.98215, 2.35817, 2.63523)),
    (4, 4, 6, 15, (-1.03809, -0.651211, -0.282167)),
    (1, 0, 4, 16, (-0.298702, 0.119262, 0.558497)),
    (3, 8, 2, 12, (-0.105439, 0.0153946, 0.135898)),
    (3, 4, 4, 8, (-0.142891, 0.0258736, 0.200632)),
    (4, 0, 3, 5, (-0.826319, -0.590612, -0.368214)),
    (1, 2, 2, 9, (-0.557409, -0.233035, 0.0534525)),
    (2, 7, 3, 4, (-0.0646826, 0.00620476, 0.0784847)),
    (2, 6, 2, 16, (-0.192387, -0.029699, 0.215855)),
    (2, 1, 3, 2, (-0.0397818, -0.00568076, 0.0292026)),
    (5, 10, 1, 15, (-0.53823, -0.369934, -0.190235)),
    (3, 6, 2, 10, (-0.124877, 0.0296483, 0.139239)),
    (2, 1, 1, 14, (-0.101475, 0.0225617, 0.231971)),
    (3, 5, 6, 4, (-0.0799915, -0.00729616, 0.063262)),
    (1, 9, 2, 12, (-0.272556, 0.019424, 0.302559)),
    (3, 4, 2, 14, (-0.164292, -0.0321188, 0.0846339)),
)

Picture = NDArray[np.float64]
Edges = tuple[int, int, int, int]
"""First column, the one after the last, and so for the bands."""

# What each shape of a filter compares with the rest of its rectangle: all of it with nothing,
# the upper half, the later half, two opposite quarters, the middle third of the bands, and
# that of the columns.
_PARTS: Final[tuple[Callable[[int, int, int], list[Edges]], ...]] = (
    lambda low, high, wide: [(0, wide, low, high)],
    lambda low, high, wide: [(0, wide, low + (high - low) // 2, high)],
    lambda low, high, wide: [(wide // 2, wide, low, high)],
    lambda low, high, wide: [
        (0, wide // 2, low + (high - low) // 2, high),
        (wide // 2, wide, low, low + (high - low) // 2),
    ],
    lambda low, high, wide: [(0, wide, low + (high - low) // 3, low + 2 * ((high - low) // 3))],
    lambda low, high, wide: [(wide // 3, 2 * (wide // 3), low, high)],
)


class Fingerprinter:
    """Collects the energy of the pitch classes: 97 numbers a second, of the first hour."""

    def __init__(self, rate_hz: int, layout: str) -> None:
        """Prepare for canonical frames of a rate and a layout."""
        self._chain = Chain(
            [("aformat", "sample_fmts=s16:channel_layouts=mono"), ("aresample", _RESAMPLER)],
            rate_hz=rate_hz,
            sample_format="fltp",
            layout=layout,
        )
        self._room = _LONGEST_S * rate_hz
        place = np.arange(_SIZE)
        # Hamming's; the samples are whole numbers.
        self._window = (0.54 - 0.46 * np.cos(2 * np.pi * place / (_SIZE - 1))) / 32767
        self._first, self._fold = _pitch_classes()
        self._rest: NDArray[np.int16] = np.zeros(0, np.int16)
        self._energies: list[Picture] = []

    def push(self, frame: AudioFrame | None) -> None:
        """Add a canonical frame, or the end."""
        if self._room <= 0:
            return
        self._room -= frame.samples if frame is not None else 0
        found = self._chain.push(frame)
        held = np.concatenate(
            [
                self._rest,
                *(np.frombuffer(memoryview(m.planes[0]), np.int16, m.samples) for m in found),
            ]
        )
        count = max(0, (len(held) - _SIZE) // _HOP + 1)
        self._rest = held[count * _HOP :]
        if not count:
            return
        views = np.lib.stride_tricks.sliding_window_view(held, _SIZE)[::_HOP]
        bins = np.fft.rfft(views[:count] * self._window)
        bins = bins[:, self._first : self._first + len(self._fold)]
        self._energies.append((bins.real**2 + bins.imag**2) @ self._fold)

    def result(self) -> Fingerprint | None:
        """Return the fingerprint; None when there is too little sound for one."""
        if not self._energies:
            return None
        energies = np.concatenate(self._energies)
        reach = len(_SMOOTH) - 1
        if len(energies) < reach + _WIDEST:
            return None
        last = len(energies) - reach
        smooth = np.sum([w * energies[at : at + last] for at, w in enumerate(_SMOOTH)], axis=0)
        norm = np.sqrt((smooth**2).sum(axis=1, keepdims=True))
        picture = np.where(norm < _SILENCE, 0.0, smooth / np.maximum(norm, _SILENCE))
        return Fingerprint(_read(picture).astype("<u4").tobytes())


def _pitch_classes() -> tuple[int, Picture]:
    """Return the first bin that counts, and which class each one from there belongs to."""
    first, end = (round(_SIZE * hz / _RATE_HZ) for hz in (_LOWEST_HZ, _HIGHEST_HZ))
    octaves = np.log2(np.arange(first, end) * _RATE_HZ / _SIZE / _A0_HZ)
    classes = (_BANDS * (octaves - np.floor(octaves))).astype(int)
    fold = np.zeros((len(classes), _BANDS))
    fold[np.arange(len(classes)), classes] = 1
    return first, fold


def _read(picture: Picture) -> NDArray[np.uint32]:
    """Return what the sixteen filters see wherever all of them fit in."""
    # Sums from the corner on: the sum of any rectangle is then four look-ups.
    sums = np.zeros((len(picture) + 1, _BANDS + 1))
    sums[1:, 1:] = picture.cumsum(axis=0).cumsum(axis=1)
    start = np.arange(len(picture) - _WIDEST + 1)

    def area(left: int, right: int, low: int, high: int) -> Picture:
        a, b = sums[start + left], sums[start + right]
        found: Picture = b[:, high] - a[:, high] - b[:, low] + a[:, low]
        return found

    found = np.zeros(len(start), np.uint32)
    for shape, low, bands, columns, thresholds in _FILTERS:
        whole = area(0, columns, low, low + bands)
        parts = _PARTS[shape](low, low + bands, columns)
        part = np.sum([area(*edges) for edges in parts], axis=0)
        rest = whole - part if shape else np.zeros(len(start))
        value = np.log((1 + part) / (1 + rest))
        found = (found << np.uint32(2)) | _GRAY[np.searchsorted(thresholds, value, side="right")]
    return found
