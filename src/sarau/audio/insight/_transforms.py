"""The transforms of lossy codecs, at every place where a block may begin.

AAC and Vorbis take an MDCT of 2048 samples every 1024; MP3 one of 36 samples every 18 in
each of 32 bands, every 576 samples in all (ISO/IEC 11172-3, 2.4.3.4; ISO/IEC 13818-7, 15).
"""

from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Sound = NDArray[np.float32]
Coefficients = NDArray[np.float32]
Window = NDArray[np.float32]

MDCT_HOP: Final = 1024
MP3_HOP: Final = 576
_BANDS: Final = 32
_SLOTS: Final = 36
_LINES: Final = 18
_TAPS: Final = 512
_SHAPE, _CUTOFF = 8.375, 1.1275 / 64
"""Kaiser's beta and the cutoff, in half cycles a sample: of all pairs the one whose bands add
up to the flattest whole (to 0.07 %). The standard has a table, which this stands for."""
_ALIAS: Final = (-0.6, -0.535, -0.33, -0.185, -0.095, -0.041, -0.0142, -0.0037)


@cache
def kaiser_bessel_window() -> Window:
    """Return AAC's usual window: 2048 samples, alpha 4."""
    half = np.cumsum(np.kaiser(MDCT_HOP + 1, 4 * np.pi))
    rise = np.sqrt(half[:-1] / half[-1])
    return np.concatenate([rise, rise[::-1]]).astype(np.float32)


@cache
def sine_window() -> Window:
    """Return AAC's other window: 2048 samples."""
    return np.sin(np.pi * (np.arange(2 * MDCT_HOP) + 0.5) / (2 * MDCT_HOP)).astype(np.float32)


@cache
def vorbis_window() -> Window:
    """Return the window of Vorbis I (4.3.1): 2048 samples."""
    return np.sin(np.pi / 2 * np.square(sine_window().astype(np.float64))).astype(np.float32)


def mdct(blocks: Sound, window: Window) -> Coefficients:
    """Return the orthonormal MDCT of (blocks, 2048) as (blocks, 1024)."""
    a, b, c, d = np.split(blocks * window, 4, axis=1)
    folded = np.concatenate([-c[:, ::-1] - d, a - b[:, ::-1]], axis=1)
    # A DCT-IV by a complex transform of half the length.
    twist = _twist()
    pairs = (folded[:, 0::2] + 1j * folded[:, ::-2]) * twist
    turned = np.fft.fft(pairs) * twist
    found = np.empty(folded.shape, np.float32)
    found[:, 0::2] = turned.real
    found[:, 1::2] = -turned.imag[:, ::-1]
    found *= np.float32(np.sqrt(2 / MDCT_HOP))
    return found


@cache
def _twist() -> NDArray[np.complex64]:
    """Return what the pairs of a DCT-IV are turned by, before and after the transform."""
    steps = 4 * np.arange(MDCT_HOP // 2) + 1
    turns: NDArray[np.complex64] = np.exp(-1j * np.pi * steps / (4 * MDCT_HOP)).astype(np.complex64)
    return turns


def mdct_blocks(sound: Sound, starts: NDArray[np.int64], window: Window) -> Coefficients:
    """Return the MDCT of the blocks that begin at `starts`: (starts, 1024)."""
    return mdct(sliding_window_view(sound, 2 * MDCT_HOP)[starts], window)


def mp3_granules(sound: Sound) -> Callable[[NDArray[np.int64]], Coefficients]:
    """Return the function that gives the granules which begin at some samples: (starts, 576)."""
    bands = _bands_at_every_sample(sound)
    slots = _BANDS * np.arange(_SLOTS)

    def granules(starts: NDArray[np.int64]) -> Coefficients:
        held = bands[starts[:, None] + slots].transpose(0, 2, 1)
        held[:, 1::2, 1::2] *= -1
        lines: Coefficients = held @ _mdct_of_36()
        _reduce_aliases(lines)
        return lines.reshape(len(starts), MP3_HOP)

    return granules


def _bands_at_every_sample(sound: Sound) -> Sound:
    """Return the polyphase filters' output for a first slot at each sample: (places, 32)."""
    newest_first = sliding_window_view(sound, _TAPS)[:, ::-1]
    filters, cosines = _prototype(), _cosines()
    # In pieces, as each sample stands for 512 here.
    pieces = [
        (newest_first[at : at + 64] * filters).reshape(-1, 8, 2 * _BANDS).sum(axis=1) @ cosines
        for at in range(0, len(newest_first), 64)
    ]
    bands: Sound = np.concatenate(pieces)
    return bands


@cache
def _prototype() -> Window:
    """Return the low-pass filter of all bands, with the sign of every other 64 turned."""
    at = np.arange(_TAPS) - _TAPS / 2
    shape = np.i0(_SHAPE * np.sqrt(1 - np.square(at / (_TAPS / 2)))) / np.i0(_SHAPE)
    filters = np.sinc(_CUTOFF * at) * shape
    signs = 1 - 2 * (np.arange(_TAPS) // (2 * _BANDS) % 2)
    scaled: Window = (signs * filters * np.sqrt(2 / np.square(filters).sum())).astype(np.float32)
    return scaled


@cache
def _cosines() -> NDArray[np.float32]:
    band, tap = np.arange(_BANDS), np.arange(2 * _BANDS)[:, None]
    return np.cos((2 * band + 1) * (tap - 16) * np.pi / (2 * _BANDS)).astype(np.float32)


@cache
def _mdct_of_36() -> NDArray[np.float32]:
    """Return window and transform of one band's slots: (36, 18)."""
    slot, line = np.arange(_SLOTS)[:, None], np.arange(_LINES)
    window = np.sin(np.pi * (slot + 0.5) / _SLOTS)
    waves = np.cos(np.pi / (2 * _SLOTS) * (2 * slot + 1 + _LINES) * (2 * line + 1))
    matrix: NDArray[np.float32] = (window * waves / 3).astype(np.float32)
    return matrix


def _reduce_aliases(found: Coefficients) -> None:
    """Undo between neighbouring bands what their filters let through of each other."""
    slope = np.array(_ALIAS, np.float32)
    straight = 1 / np.sqrt(1 + np.square(slope))
    across = slope * straight
    count = len(_ALIAS)
    below, above = found[:, :-1, : -count - 1 : -1].copy(), found[:, 1:, :count].copy()
    found[:, :-1, : -count - 1 : -1] = below * straight + above * across
    found[:, 1:, :count] = above * straight - below * across
