"""Encoders and what else takes frames side by side, each in order: the results do not change.

FFmpeg works outside Python's lock, so that threads help. There are no more of them than
cores to use: each call of an encoder takes the lock for a moment, and threads without a
core would only wait for it.
"""

import queue
import threading
from collections.abc import Sequence
from typing import Final, Protocol

from av.audio.frame import AudioFrame

_WAITING_FRAMES: Final = 8


class Sink(Protocol):
    """What takes frames, and None at the end."""

    @property
    def effort(self) -> float:
        """About how many CPU seconds it needs for a minute of music."""

    def push(self, frame: AudioFrame | None) -> None:
        """Take a frame, or the end."""


class Lanes:
    """Sinks divided among threads; with one core there is none, and pushing does the work."""

    def __init__(self, sinks: Sequence[Sink], cores: int) -> None:
        """Divide `sinks`, the most laborious first, each to who has the least to do."""
        count = min(len(sinks), cores) if cores > 1 else 0
        self._lanes = [_Lane() for _ in range(count)]
        self._of: dict[int, _Lane] = {}
        work = dict.fromkeys(range(count), 0.0)
        for sink in sorted(sinks, key=lambda sink: -sink.effort) if count else ():
            idlest = min(work, key=work.__getitem__)
            work[idlest] += sink.effort
            self._of[id(sink)] = self._lanes[idlest]

    def push(self, sink: Sink, frame: AudioFrame | None) -> None:
        """Give a sink its next frame, or its end."""
        lane = self._of.get(id(sink))
        if lane is None:
            sink.push(frame)
        else:
            lane.put(sink, frame)

    def finish(self) -> None:
        """Wait until everything is worked off; raise what went wrong."""
        for lane in self._lanes:
            lane.finish()


class _Lane:
    """A thread with its queue."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[tuple[Sink, AudioFrame | None] | None]
        self._waiting = queue.Queue(_WAITING_FRAMES)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def put(self, sink: Sink, frame: AudioFrame | None) -> None:
        if self._error is not None:
            raise self._error
        self._waiting.put((sink, frame))

    def finish(self) -> None:
        self._waiting.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (item := self._waiting.get()) is not None:
            if self._error is None:
                sink, frame = item
                try:
                    sink.push(frame)
                except BaseException as error:  # noqa: BLE001 - raised in the feeding thread
                    self._error = error
