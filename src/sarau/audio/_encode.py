"""One output: from canonical frames to an encoded file."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final, Protocol

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from sarau.audio._chapters import set_chapters
from sarau.audio._formats import (
    TRAITS,
    bitrate_bps,
    codec_name,
    codec_options,
    encoder_scale,
    output_bits,
    output_rate_hz,
    sample_format,
)
from sarau.audio._frames import RESAMPLER, Chain, cut, to_frame
from sarau.audio._gapless import set_mp3_padding
from sarau.audio._types import SourceInfo
from sarau.audio._vorbis import VorbisWriter
from sarau.model.preset import Format, RenditionSpec

_FRAME_SAMPLES: Final = 32768
_GIVEN: Final = "fltp"
_MP4: Final = "ipod"
_RESAMPLER_REACH: Final = 1024
"""More than its filter is long, down from 384 kHz to 48 kHz too (64 taps times 8)."""

_EFFORT: Final = {"libmp3lame": 0.44, "libopus": 0.36, "aac": 0.36, "libvorbis": 0.31}
"""Measured by the floor of `make bench`; only good for dividing work."""
_LITTLE_EFFORT: Final = 0.06


class Writer(Protocol):
    """What takes frames as its encoder wants them, and makes a file."""

    def write(self, frame: AudioFrame) -> None:
        """Encode a frame."""

    def close(self) -> None:
        """Encode what is left and finish the file."""


class _Muxer:
    """A codec and a container of FFmpeg's."""

    def __init__(
        self, path: Path, spec: RenditionSpec, source: SourceInfo, *, layout: av.AudioLayout
    ) -> None:
        traits = TRAITS[spec.format]
        rate_hz, bits = output_rate_hz(spec, source), output_bits(spec, source)
        self._container = av.open(
            str(path),
            "w",
            format=traits.muxer,
            options={"fflags": "+bitexact", **_timescale(spec, rate_hz), **traits.muxer_options},
        )
        if traits.muxer == _MP4:
            set_chapters(self._container, source.chapters, source.duration_s)
        codec = codec_name(spec, bits)
        stream = self._container.add_stream(codec, rate=rate_hz, options=codec_options(spec))
        if not isinstance(stream, AudioStream):
            raise TypeError(f"{codec} is no codec for sound")
        self._stream = stream
        context = stream.codec_context
        context.layout = layout
        context.format = sample_format(spec, bits)
        context.time_base = Fraction(1, rate_hz)
        rate_bps = bitrate_bps(spec, layout.nb_channels)
        if rate_bps is not None:
            context.bit_rate = rate_bps

    def write(self, frame: AudioFrame) -> None:
        """Encode a frame."""
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def close(self) -> None:
        """Encode what is left and finish the file."""
        for packet in self._stream.encode(None):
            self._container.mux(packet)
        self._container.close()


class Encoder:
    """Encodes one rendition; feed it planar floats of the source's rate."""

    def __init__(
        self, spec: RenditionSpec, path: Path, source: SourceInfo, *, layout: str, exact: bool
    ) -> None:
        traits = TRAITS[spec.format]
        self._spec, self._path, self._layout = spec, path, av.AudioLayout(layout)
        self._source_hz = source.sample_rate_hz
        self._rate_hz = rate_hz = output_rate_hz(spec, source)
        self._taken = 0
        """Samples at the source's rate."""
        self._samples = 0
        """Samples at the rendition's rate."""
        bits = output_bits(spec, source)
        taken = sample_format(spec, bits)
        self._writer: Writer = (
            VorbisWriter(path, spec, rate_hz=rate_hz, channels=self._layout.nb_channels)
            if spec.format is Format.VORBIS
            else _Muxer(path, spec, source, layout=self._layout)
        )
        steps = []
        if taken != _GIVEN or rate_hz != source.sample_rate_hz:
            resample = (
                [str(rate_hz)] if rate_hz == source.sample_rate_hz else [RESAMPLER.format(rate_hz)]
            )
            resample.append(f"osf={taken}")
            if traits.lossless and not exact:
                resample.append(f"dither_method=triangular:output_sample_bits={bits}")
            steps += [
                ("aresample", ":".join(resample)),
                ("asetnsamples", f"n={_FRAME_SAMPLES}:p=0"),
            ]
        scale = encoder_scale(spec, rate_hz, self._layout.nb_channels)
        if scale != 1:
            steps.append(("volume", f"{1 / scale}:precision=float"))
        self._chain = (
            Chain(steps, rate_hz=source.sample_rate_hz, sample_format=_GIVEN, layout=layout)
            if steps
            else None
        )

    @property
    def effort(self) -> float:
        """About how many CPU seconds a minute of music takes."""
        return _EFFORT.get(TRAITS[self._spec.format].codec, _LITTLE_EFFORT)

    def push(self, frame: AudioFrame | None) -> None:
        """Encode a frame; None at the end, which finishes the file."""
        for piece in self._convert(frame):
            self._samples += piece.samples
            self._writer.write(piece)
        if frame is None:
            self._writer.close()
            if self._spec.format is Format.MP3:
                set_mp3_padding(self._path, self._samples)

    def _convert(self, frame: AudioFrame | None) -> Iterator[AudioFrame]:
        """Yield what the encoder takes."""
        if self._chain is None:
            if frame is not None:
                yield frame
            return
        if frame is not None:
            self._taken += frame.samples
        short = frame is None and self._taken < _RESAMPLER_REACH
        if not short or self._rate_hz == self._source_hz:
            yield from self._chain.push(frame)
            return
        # The resampler makes nothing of fewer samples than its filter is long: give it
        # silence after them, and keep the length they have. All of it is in one frame.
        silence = np.zeros((self._layout.nb_channels, _RESAMPLER_REACH), np.float32)
        name, at = self._layout.name, self._taken
        after = to_frame(silence, rate_hz=self._source_hz, layout=name, pts=at)
        yield from self._chain.push(after)
        for piece in self._chain.push(None):
            yield from cut(piece, -(-self._taken * self._rate_hz // self._source_hz))


def _timescale(spec: RenditionSpec, rate_hz: int) -> dict[str, str]:
    """Have MP4's edit list count samples, so that the length is exact."""
    return {"movie_timescale": str(rate_hz)} if TRAITS[spec.format].muxer == _MP4 else {}
