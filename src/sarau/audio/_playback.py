"""Playing a file of our own making: all of it decoded within FFmpeg, in long frames.

A file from outside is decoded packet by packet, so that all that is wrong with it is noticed
(`_decode`). Of our own only the sound counts, and its length: FFmpeg's filter that reads a file
costs about half as much, as no small packet or frame passes through Python.
"""

import os
from collections.abc import Iterator
from itertools import pairwise

import av
from av.audio.frame import AudioFrame

from sarau.audio._frames import FRAME_SAMPLES, pull, usual_layout
from sarau.audio._opening import find_sound, open_container, options_to_open
from sarau.audio._padding import padding_start, without_padding
from sarau.audio._sniff import HEAD_BYTES


class Playback:
    """A rendition, to be played once.

    Raises:
        RejectedError: when it cannot be read.

    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        with open_container(fd, os.pread(fd, HEAD_BYTES, 0)) as container:
            stream = find_sound(container)
            self.rate_hz = stream.codec_context.sample_rate
            self.layout = usual_layout(stream.codec_context.layout)
            self.duration_s = (container.duration or 0) / av.time_base
            self._end = padding_start(container, stream)

    def frames(self) -> Iterator[AudioFrame]:
        """Yield all of it as planar floats.

        Raises:
            av.FFmpegError: at the first packet that cannot be decoded.

        """
        frames = self._decoded()
        return frames if self._end is None else without_padding(frames, self._end)

    def _decoded(self) -> Iterator[AudioFrame]:
        graph = av.filter.Graph()
        graph.threads = 1
        options = ":".join(f"{name}={value}" for name, value in options_to_open(self._fd).items())
        steps = [
            graph.add("amovie", filename="fd:", format_opts=options),
            graph.add("aformat", f"sample_fmts=fltp:channel_layouts={self.layout}"),
            graph.add("asetnsamples", f"n={FRAME_SAMPLES}:p=0"),
            graph.add("abuffersink"),
        ]
        for step, following in pairwise(steps):
            step.link_to(following)
        graph.configure()
        yield from pull(steps[-1])
