"""Between FFmpeg's frames and numpy's arrays."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.plane import AudioPlane
from av.filter.context import FilterContext
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Shape (channels, samples), full scale is 1."""
Levels = NDArray[np.float32]
"""Shape (samples,): what all channels have together."""

FRAME_SAMPLES: Final = 16384
"""Filters and encoders work best on long frames."""
RESAMPLER: Final = "{}:filter_size=64:phase_shift=10:cutoff=0.97"
"""At least 93 dB of signal to noise at 20 kHz; swr's own settings give 25."""

_STEREO: Final = 2
_UNCHANGED: Final = np.float32(1)
# What a file that names no layout means by its number of channels (WAVE's own order).
_LAYOUTS: Final = {
    1: "mono",
    2: "stereo",
    3: "3.0",
    4: "quad",
    5: "5.0",
    6: "5.1",
    7: "6.1",
    8: "7.1",
}


def layout_name(layout: "av.AudioLayout") -> str:
    """Return the layout by a name that filters accept, also when the file names none."""
    name = layout.name
    return _LAYOUTS.get(layout.nb_channels, name) if name.endswith("channels") else name


def usual_layout(layout: "av.AudioLayout") -> str:
    """Return what a layout is taken for: one that everything can mix, encode and play.

    One channel is mono and two are stereo, whichever loudspeakers the file names for them.
    More are what they are called, and where that is no name but a list, the usual ones of
    their number.
    """
    name, channels = layout.name, layout.nb_channels
    is_list = "channels" in name
    return _LAYOUTS.get(channels, name) if is_list or channels <= _STEREO else name


def planes(frame: AudioFrame) -> list[AudioPlane]:
    """Return the plane of each channel of a planar frame.

    `frame.planes` looks for a ninth one of eight channels: PyAV 18 lists it, PyAV 19 raises.
    """
    return [AudioPlane(frame, channel) for channel in range(frame.layout.nb_channels)]


def to_samples(frame: AudioFrame, gain: np.float32 = _UNCHANGED) -> Samples:
    """Return a planar float frame, times `gain`, as an array of its own."""
    count = frame.samples
    samples: Samples = np.empty((frame.layout.nb_channels, count), np.float32)
    for channel, plane in zip(samples, planes(frame), strict=True):
        given = np.frombuffer(memoryview(plane), np.float32, count)
        if gain == 1:
            channel[:] = given
        else:
            np.multiply(given, gain, out=channel)
    return samples


def extremes(samples: Samples) -> tuple[Levels, Levels]:
    """Return the lowest and the highest channel of each sample."""
    return samples.min(axis=0), samples.max(axis=0)


def to_frame(samples: Samples, *, rate_hz: int, layout: str, pts: int) -> AudioFrame:
    """Return an array as a planar float frame."""
    frame = AudioFrame(format="fltp", layout=layout, samples=samples.shape[1])
    for plane, channel in zip(planes(frame), samples, strict=True):
        np.frombuffer(memoryview(plane), np.float32, len(channel))[:] = channel
    frame.sample_rate = rate_hz
    frame.pts = pts
    frame.time_base = Fraction(1, rate_hz)
    return frame


def pull(sink: FilterContext) -> Iterator[AudioFrame]:
    """Yield what a sink holds."""
    while True:
        try:
            frame = sink.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        if isinstance(frame, AudioFrame):
            yield frame


class Chain:
    """A straight line of filters: push a frame, get frames."""

    def __init__(
        self,
        filters: list[tuple[str, str]],
        *,
        rate_hz: int,
        sample_format: str,
        layout: str,
        time_base: Fraction | None = None,
    ) -> None:
        graph = av.filter.Graph()
        graph.threads = 1
        self._source = last = graph.add_abuffer(
            sample_rate=rate_hz,
            format=sample_format,
            layout=layout,
            time_base=time_base or Fraction(1, rate_hz),
        )
        for name, arguments in filters:
            step = graph.add(name, arguments or None)
            last.link_to(step)
            last = step
        self._sink = graph.add("abuffersink")
        last.link_to(self._sink)
        graph.configure()
        self._graph = graph

    def push(self, frame: AudioFrame | None) -> Iterator[AudioFrame]:
        """Put a frame in, or the end, and yield what comes out."""
        self._source.push(frame)
        yield from pull(self._sink)

    def put(self, frame: AudioFrame) -> None:
        """Put a frame in and leave it there until the next `push`."""
        self._source.push(frame)


def cut(frame: AudioFrame, keep: int) -> Iterator[AudioFrame]:
    """Yield the first `keep` samples of a frame."""
    if keep <= 0:
        return
    chain = Chain(
        [("atrim", f"end_sample={keep}")],
        rate_hz=frame.sample_rate,
        sample_format=frame.format.name,
        layout=layout_name(frame.layout),
        time_base=frame.time_base or Fraction(1, frame.sample_rate),
    )
    yield from chain.push(frame)
    yield from chain.push(None)
