"""From whatever is decoded to planar floats of one rate and layout."""

from collections.abc import Iterator
from fractions import Fraction

from av.audio.frame import AudioFrame

from sarau.audio._decode import Source
from sarau.audio._frames import FRAME_SAMPLES, RESAMPLER, Chain, layout_name, usual_layout


class Canonical:
    """Turns whatever is decoded into planar floats of one rate and layout.

    Streams may change their parameters on the way (a broadcast, joined files): the
    converter is then rebuilt, and the rest is converted to how the stream began.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.rate_hz = source.sample_rate_hz
        self.layout = source.layout
        self._shape: tuple[int, str, str] | None = None
        self._chain: Chain | None = None
        self._waiting = 0
        """Samples put into the chain since something was taken from it."""
        self._count = 0

    def push(self, frame: AudioFrame | None) -> Iterator[AudioFrame]:
        """Take a decoded frame, or the end; yield long canonical frames.

        Their time stamps count samples from zero without a gap, which is what encoders
        write their gapless information from.
        """
        for piece in self._convert(frame):
            piece.pts = self._count
            piece.time_base = Fraction(1, self.rate_hz)
            self._count += piece.samples
            yield piece

    def _convert(self, frame: AudioFrame | None) -> Iterator[AudioFrame]:
        if frame is None:
            if self._chain is not None:
                yield from self._chain.push(None)
            return
        shape = (frame.sample_rate, frame.format.name, layout_name(frame.layout))
        if shape != self._shape:
            if self._chain is not None:
                self._source.parameters_changed = True
                yield from self._chain.push(None)
            self._chain = self._build(frame, shape)
            self._shape = shape
        if self._chain is None:
            return
        frame.pts = None
        self._waiting += frame.samples
        if self._waiting < FRAME_SAMPLES:
            # Asking for a long frame after each short one would only be answered "not yet".
            self._chain.put(frame)
            return
        self._waiting = 0
        yield from self._chain.push(frame)

    def _build(self, frame: AudioFrame, shape: tuple[int, str, str]) -> Chain:
        rate_hz, sample_format, layout = shape
        self._source.check_shape(rate_hz, frame.layout.nb_channels)
        filters = [("aformat", f"sample_fmts=fltp:channel_layouts={self.layout}")]
        usual = usual_layout(frame.layout)
        if usual != layout:
            same = "|".join(str(channel) for channel in range(frame.layout.nb_channels))
            filters.insert(0, ("channelmap", f"map={same}:channel_layout={usual}"))
        if rate_hz != self.rate_hz:
            filters.append(("aresample", RESAMPLER.format(self.rate_hz)))
        filters.append(("asetnsamples", f"n={FRAME_SAMPLES}:p=0"))
        return Chain(filters, rate_hz=rate_hz, sample_format=sample_format, layout=layout)
