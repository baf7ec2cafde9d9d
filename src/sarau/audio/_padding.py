"""Leaving out what an encoder has added to its last frame, where the container tells."""

from collections.abc import Iterator
from typing import Final

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer

from sarau.audio._frames import cut
from sarau.audio._opening import short_name

_MP4: Final = "m4a"
_MAX_PADDING_SAMPLES: Final = 4096
"""Two frames of HE-AAC, the longest."""
_PADDING: Final = "skip_samples"
"""Beside a packet: how many samples FFmpeg takes for padding."""


def padding_start(container: InputContainer, stream: AudioStream) -> int | None:
    """Return how many samples an MP4 says it has; the codec's padding follows them."""
    duration, time_base = stream.duration, stream.time_base
    if short_name(container) != _MP4 or duration is None or time_base is None:
        return None
    return int(duration * time_base * stream.codec_context.sample_rate) or None


def keep_padding(packet: "av.Packet[AudioStream]") -> None:
    """Have the decoder leave out nothing of a packet."""
    if packet.has_sidedata(_PADDING):
        counts = packet.get_sidedata(_PADDING)
        counts.update(bytes(counts.data_size))
        packet.set_sidedata(counts)


def without_padding(frames: Iterator[AudioFrame], end: int) -> Iterator[AudioFrame]:
    """Yield the first `end` samples, or all where more follow than any codec pads with."""
    samples = 0
    late: list[AudioFrame] = []
    for frame in frames:
        samples += frame.samples
        if samples <= end:
            yield frame
            continue
        late.append(frame)
        if samples - end > _MAX_PADDING_SAMPLES:
            yield from late
            yield from frames
            return
    if late:
        yield from cut(late[0], end - samples + sum(frame.samples for frame in late))
