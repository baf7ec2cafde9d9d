"""How far a whole is whose parts tell how far they are."""

import threading

from sarau.audio._types import ProgressCallback


class Share:
    """Maps the progress of parts onto the whole."""

    def __init__(self, on_progress: ProgressCallback) -> None:
        self._on_progress = on_progress

    def part(self, start: float, end: float) -> ProgressCallback:
        """Return the callback of what takes from `start` to `end` of the whole."""
        return lambda fraction: self._on_progress(start + (end - start) * fraction)


class Sum:
    """Adds up the progress of equal parts that are done at the same time.

    What a callback raises, to stop the work, stops every part.
    """

    def __init__(self, count: int, on_progress: ProgressCallback) -> None:
        self._done = [0.0] * count
        self._on_progress = on_progress
        self._lock = threading.Lock()

    def part(self, index: int) -> ProgressCallback:
        """Return the callback of one part; several threads may call theirs."""

        def tell(fraction: float) -> None:
            with self._lock:
                self._done[index] = fraction
                self._on_progress(sum(self._done) / len(self._done))

        return tell
