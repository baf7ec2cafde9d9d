"""Whether sound went through a lossy codec, told by its blocks.

A codec leaves out, block by block, what it takes for inaudible. Cut into the same blocks
again, the decoded sound has gaps that are there at no other place: the mean of the logarithm
of all coefficients falls where a block began, and one sample beside it is as always. So it
needs no wall in the spectrum, and constant gain does not hide it; another sample rate does.
After O. Derrien, Detection of genuine lossless audio files, J. Audio Eng. Soc. 67 (2019);
the measure is ours.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarau.audio.insight._excerpts import Excerpt
from sarau.audio.insight._transforms import (
    MDCT_HOP,
    MP3_HOP,
    Coefficients,
    Sound,
    Window,
    kaiser_bessel_window,
    mdct_blocks,
    mp3_granules,
    sine_window,
    vorbis_window,
)
from sarau.audio.insight._types import CodecTrace

HIGHEST_HZ: Final = 48_000
"""Above it there is hardly a lossy file."""
_LEAST: Final = 10.0
"""Deviations from chance that prove a codec; chance reaches about 5."""
_DOUBTFUL: Final = 5.0
"""What is less after two excerpts does not become a proof by more of them."""
_ENOUGH: Final = 2
_MOST: Final = 10.0
"""What one excerpt can say: a sound of its own can look like blocks, once."""
_GRID: Final = 64
"""Vorbis changes the length of its blocks, which moves them by multiples of it."""
_BLOCKS: Final = 4
_GRANULES: Final = 7
_AT_ONCE: Final = 4
"""Places: what is in work stays in the processor's cache."""
_PARTS: Final = 12
_USED: Final = (0.05, 0.95)
"""Of the band; the ends tell nothing of a codec."""
_HIGHEST_PARTS: Final = 5
"""Codecs leave out most there, below where the band ends."""
_AUDIBLE: Final = 2.5
"""How far, as a logarithm, a part with sound in it lies above the noise of the format."""
_BESIDE: Final = range(2, 7)
"""How far away, in samples, are the places that one is compared with."""
_MARGIN: Final = 8
_STILL: Final = 0.01
"""Deviations of the logarithm that are less are no measure: the sound repeats itself."""
_REPEATS: Final = 0.5
"""Correlation of the highest treble with itself, blocks later: such sound has its own blocks."""
_STEPPED: Final = 0.05
"""Median of the squares of all steps, of their mean: of music it is 0.1 and more, of noise 0.45;
of samples that are held, as by a bit crusher or an old tracker, less than 0.005."""
_MOST_BITS: Final = 20
"""No codec's gaps are deeper."""

Levels = NDArray[np.float64]
Blocks = Callable[[NDArray[np.int64]], Coefficients]


def find_codec(
    excerpts: Sequence[Excerpt], bits: int, worked: Callable[[], None]
) -> CodecTrace | None:
    """Return the codec whose blocks are in the sound; `bits` are those of a sample.

    `worked` is called after each excerpt.
    """
    votes = _Votes(floor=0.25 * 4.0 ** (1 - min(bits, _MOST_BITS)))
    for excerpt in excerpts:
        votes.add(excerpt)
        worked()
        if votes.count >= _ENOUGH and not _DOUBTFUL <= votes.deviations < _LEAST:
            break
    is_proved = votes.count >= _ENOUGH and votes.deviations >= _LEAST
    return votes.codec() if is_proved else None


class _Votes:
    """Where the blocks of each codec begin, by all excerpts: they follow without a gap."""

    def __init__(self, floor: float) -> None:
        self._floor = floor
        self._mdct, self._mp3 = np.zeros(_GRID), np.zeros(MP3_HOP)
        self._clearest: Sound = np.zeros(0, np.float32)
        self._place, self._clear = 0, 0.0
        self.count = 0

    @property
    def deviations(self) -> float:
        """How far the best place of all stands out."""
        best = max(float(self._mdct.max()), float(self._mp3.max()))
        return best / math.sqrt(max(1, self.count))

    def add(self, excerpt: Excerpt) -> None:
        """Look at the first of its sounds that can tell something."""
        for sound in excerpt.sounds():
            if not _can_tell(sound, self._floor):
                continue
            falls = _falls(_mdct_by(sound), MDCT_HOP, _BLOCKS, self._floor)
            if falls is None:
                continue
            falls_mp3 = _falls(mp3_granules(sound), MP3_HOP, _GRANULES, self._floor)
            if falls_mp3 is None:
                continue
            if falls.max() > self._clear:
                self._clearest, self._clear = sound, float(falls.max())
                self._place = int(falls.argmax()) + _MARGIN
            folded = np.roll(falls, excerpt.start).reshape(-1, _GRID).max(axis=0)
            self._mdct += np.minimum(folded, _MOST)
            self._mp3 += np.minimum(np.roll(falls_mp3, excerpt.start), _MOST)
            self.count += 1
            return

    def codec(self) -> CodecTrace:
        """Tell codecs of the same block length apart: its own window shows the deepest gaps."""
        deviations = round(self.deviations, 1)
        if self._mp3.max() > self._mdct.max():
            return CodecTrace("MP3", deviations)
        windows = (
            ("AAC", kaiser_bessel_window()),
            ("AAC", sine_window()),
            ("Vorbis", vorbis_window()),
        )
        place = np.array([self._place])
        levels = [
            float(
                _levels(_mdct_by(self._clearest, one), place, MDCT_HOP, _BLOCKS, self._floor).mean()
            )
            for _, one in windows
        ]
        return CodecTrace(windows[int(np.argmin(levels))][0], deviations)


def _can_tell(sound: Sound, floor: float) -> bool:
    """Tell whether a sound is more than the noise of its format, and has no blocks of its own."""
    steps = np.square(np.diff(sound))
    mean = float(steps.mean())
    return mean > floor and float(np.median(steps)) > _STEPPED * mean and not _repeats(sound)


def _repeats(sound: Sound) -> bool:
    treble = np.diff(sound, n=3)
    lags = [times * hop for hop in (MDCT_HOP, MP3_HOP) for times in (1, 2, 3)]
    most = _REPEATS * float(treble @ treble)
    return any(
        abs(float(treble[lag:] @ treble[:-lag])) * len(treble) > most * (len(treble) - lag)
        for lag in lags
    )


def _mdct_by(sound: Sound, window: Window | None = None) -> Blocks:
    """Return the MDCT by a window; that of AAC shows gaps of the others, too."""
    shape = kaiser_bessel_window() if window is None else window
    return lambda starts: mdct_blocks(sound, starts, shape)


def _falls(blocks: Blocks, hop: int, count: int, floor: float) -> Levels | None:
    """Return by how many deviations the level falls with the first block at each of `hop` places.

    The first of them is sample `_MARGIN`. None of a sound that nowhere rises above the noise
    of the format.
    """
    firsts = np.arange(hop + 2 * _MARGIN).reshape(-1, _AT_ONCE)
    levels = np.concatenate([_levels(blocks, some, hop, count, floor) for some in firsts])
    audible = np.flatnonzero(np.median(levels, axis=0) > np.log(floor) + _AUDIBLE)
    levels = levels[:, audible[-_HIGHEST_PARTS:]]
    if not levels.size:
        return None
    middle = np.arange(_MARGIN, hop + _MARGIN)
    beside = sum(levels[middle + way * far] for far in _BESIDE for way in (1, -1))
    falls = beside / (2 * len(_BESIDE)) - levels[middle]
    deviation = 1.4826 * np.median(np.abs(falls), axis=0)
    told: Levels = (falls / np.maximum(deviation, _STILL)).sum(axis=1) / np.sqrt(levels.shape[1])
    return told


def _levels(
    blocks: Blocks, firsts: NDArray[np.int64], hop: int, count: int, floor: float
) -> Levels:
    """Return the mean logarithm in each part of the band: (firsts, parts)."""
    starts = (firsts[:, None] + hop * np.arange(count)).ravel()
    edges = np.linspace(_USED[0] * hop, _USED[1] * hop, _PARTS + 1).astype(int)
    logarithms = np.log(np.square(blocks(starts)) + np.float32(floor))
    sums = np.add.reduceat(logarithms[:, : edges[-1]], edges[:-1], axis=1)
    means: Levels = (sums / np.diff(edges)).reshape(len(firsts), count, _PARTS).mean(axis=1)
    return means
