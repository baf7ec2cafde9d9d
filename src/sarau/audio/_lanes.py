"""Encoders side by side: one thread each, fed in order, so that their bytes do not change.

FFmpeg works outside Python's lock, so a file takes about as long as its slowest encoder
where there are cores for the others.
"""

import queue
import threading
from collections.abc import Sequence
from typing import Final, Protocol

from av.audio.frame import AudioFrame

_WAITING_FRAMES: Final = 8


class Sink(Protocol):
    """What takes frames, and None at the end."""

    def push(self, frame: AudioFrame | None) -> None:
        """Take a frame, or the end."""


class Lane:
    """A sink that works in a thread of its own."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._frames: queue.Queue[AudioFrame | None] = queue.Queue(_WAITING_FRAMES)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def push(self, frame: AudioFrame | None) -> None:
        """Hand a frame over; at the end, wait until all are worked off."""
        if self._error is not None:
            raise self._error
        self._frames.put(frame)
        if frame is None:
            self._thread.join()
            if self._error is not None:
                raise self._error

    def _work(self) -> None:
        while True:
            frame = self._frames.get()
            if self._error is None:
                try:
                    self._sink.push(frame)
                except BaseException as error:  # noqa: BLE001 - raised in the feeding thread
                    self._error = error
            if frame is None:
                return


def side_by_side(sinks: Sequence[Sink]) -> list[Lane]:
    """Give every sink a thread."""
    return [Lane(sink) for sink in sinks]
