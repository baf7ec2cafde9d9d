"""One output: from canonical frames to an encoded file."""

from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from sarau.audio._decode import RESAMPLER
from sarau.audio._formats import (
    TRAITS,
    bitrate_bps,
    codec_name,
    codec_options,
    output_bits,
    output_rate_hz,
    sample_format,
)
from sarau.audio._frames import Chain, planes
from sarau.audio._types import SourceInfo
from sarau.model.preset import RenditionSpec

_FRAME_SAMPLES: Final = 32768


class Encoder:
    """Encodes one rendition; feed it planar floats of the source's rate."""

    def __init__(
        self, spec: RenditionSpec, path: Path, source: SourceInfo, *, layout: str, exact: bool
    ) -> None:
        traits = TRAITS[spec.format]
        rate_hz = output_rate_hz(spec, source)
        bits = output_bits(spec, source)
        taken = sample_format(spec, bits)
        self._container = av.open(
            str(path),
            "w",
            format=traits.muxer,
            options={"fflags": "+bitexact", **_timescale(spec, rate_hz), **traits.muxer_options},
        )
        codec = codec_name(spec, bits)
        stream = self._container.add_stream(codec, rate=rate_hz, options=codec_options(spec))
        if not isinstance(stream, AudioStream):
            raise TypeError(f"{codec} is no codec for sound")
        self._stream = stream
        context = stream.codec_context
        context.layout = layout
        context.format = taken
        context.time_base = Fraction(1, rate_hz)
        rate_bps = bitrate_bps(spec, context.layout.nb_channels)
        if rate_bps is not None:
            context.bit_rate = rate_bps
        resample = (
            [str(rate_hz)] if rate_hz == source.sample_rate_hz else [RESAMPLER.format(rate_hz)]
        )
        resample.append(f"osf={taken}")
        if traits.lossless and not exact:
            resample.append(f"dither_method=triangular:output_sample_bits={bits}")
        self._empty = True
        self._chain = Chain(
            [
                ("aresample", ":".join(resample)),
                ("asetnsamples", f"n={_FRAME_SAMPLES}:p=0"),
            ],
            rate_hz=source.sample_rate_hz,
            sample_format="fltp",
            layout=layout,
        )

    def _silence(self) -> AudioFrame:
        context = self._stream.codec_context
        frame = AudioFrame(context.format.name, context.layout.name, samples=1)
        for plane in planes(frame) if context.format.is_planar else frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate = context.sample_rate
        frame.pts = 0
        frame.time_base = Fraction(1, context.sample_rate)
        return frame

    def push(self, frame: AudioFrame | None) -> None:
        """Encode a frame; None at the end, which finishes the file."""
        for piece in self._chain.push(frame):
            self._empty = False
            for packet in self._stream.encode(piece):
                self._container.mux(packet)
        if frame is None:
            if self._empty:
                # The resampler makes nothing of a few samples, and muxers no file of nothing.
                self._container.mux(self._stream.encode(self._silence()))
            for packet in self._stream.encode(None):
                self._container.mux(packet)
            self._container.close()


def _timescale(spec: RenditionSpec, rate_hz: int) -> dict[str, str]:
    """Have MP4's edit list count samples, so that the length is exact."""
    return {"movie_timescale": str(rate_hz)} if TRAITS[spec.format].muxer == "ipod" else {}
