"""A few short excerpts of a whole file: where its treble is loudest and steady.

That is where a codec's blocks are long and its gaps lie above the noise of the format.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarau.audio._frames import Samples

LENGTH: Final = 6160
"""Samples of an excerpt."""
_KEPT: Final = 4
_PARTS: Final = 8
_PAIR: Final = 2

Sound = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What was heard at one place."""

    start: int
    """In samples from the beginning of the file."""
    treble: float
    """Mean square of the differences of neighbours, in the quietest eighth."""
    channels: Samples
    """The first two channels at most: (channels, LENGTH)."""

    def sounds(self) -> list[Sound]:
        """Return the side, where codecs save most, and the middle; of mono the one channel."""
        if len(self.channels) < _PAIR:
            return [self.channels[0]]
        left, right = self.channels
        return [(left - right) / 2, (left + right) / 2]


class Excerpts:
    """Keeps the best excerpts of a stream, in memory that does not grow."""

    def __init__(self) -> None:
        self._rest: Samples | None = None
        self._start = 0
        self._best: list[Excerpt] = []

    def push(self, samples: Samples) -> None:
        """Add (channels, samples)."""
        held = samples[:_PAIR]
        if self._rest is not None:
            held = np.concatenate([self._rest, held], axis=1)
        while held.shape[1] >= LENGTH:
            self._weigh(held[:, :LENGTH])
            held = held[:, LENGTH:]
        self._rest = held.copy()

    def _weigh(self, block: Samples) -> None:
        steps = np.diff(block, axis=1, append=block[:, -1:])
        powers = np.square(steps).reshape(len(block), _PARTS, -1).mean(axis=(0, 2))
        treble = float(powers.min())
        if treble > 0 and (len(self._best) < _KEPT or treble > self._best[-1].treble):
            self._best.append(Excerpt(self._start, treble, block.copy()))
            self._best.sort(key=lambda one: -one.treble)
            del self._best[_KEPT:]
        self._start += LENGTH

    def result(self) -> list[Excerpt]:
        """Return the best, the one with the loudest treble first."""
        return self._best
