"""The first pass: decode all of it, once, and learn everything."""

import hashlib
from collections.abc import Callable
from typing import Any, Final, Protocol

import numpy as np
from av.audio.frame import AudioFrame

from sarau.audio._canonical import Canonical
from sarau.audio._chapters import read_chapters
from sarau.audio._damage import judge
from sarau.audio._decode import Source
from sarau.audio._foresight import Foresight
from sarau.audio._frames import Chain, extremes, to_samples
from sarau.audio._lanes import Lanes
from sarau.audio._meter import Meter
from sarau.audio._plain import Plain, from_plain, to_plain
from sarau.audio._reporter import Reporter
from sarau.audio._source_tags import all_texts, read_lists, read_tags
from sarau.audio._types import Analysis, Limits, SourceInfo
from sarau.audio._waveform import Peaks
from sarau.audio.insight._collect import Collector
from sarau.errors import RejectedCode, RejectedError

_STEREO: Final = 2
_SIXTEEN_BITS: Final = 16
_FLOAT_BITS: Final = 32
_ALAC_BITS: Final = 17
"""Where its configuration, in a box of its own, says how many bits a sample has."""


class _Hash(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...
    def digest(self) -> bytes: ...


def run(job: dict[str, Any], inputs: list[int], reporter: Reporter) -> Plain:
    """Analyse the first input; the operation of a child."""
    limits = from_plain(Limits, job["limits"])
    source = Source(inputs[0], limits, reporter.worked)
    asked = {name: job.get(name) is True for name in ("insight", "tenths")}
    return to_plain(analyse(source, reporter, cores=int(job["cores"]), **asked))


def analyse(
    source: Source, reporter: Reporter, *, insight: bool, tenths: bool = False, cores: int = 1
) -> Analysis:
    """Decode and measure `source`; with `insight`, write its quality report too.

    With `tenths` the analysis serves for an album. On several `cores` the report is written
    beside the rest.

    Raises:
        RejectedError: when it is damaged, has no sound, or passes a limit.

    """
    canonical = Canonical(source)
    collector = _collector(source, canonical) if insight else None
    meters = _Meters(canonical, collector, tenths=tenths, cores=cores)
    expected = source.expected_samples or 0
    md5 = _Md5(source.claims.bit_depth or 0) if source.claims.md5 else None
    for frame in source.frames():
        if md5 is not None:
            md5.push(frame)
        for piece in canonical.push(frame):
            meters.push(piece)
        reporter.progress(source.samples / expected if expected else 0.0)
    for piece in canonical.push(None):
        meters.push(piece)
    warnings = judge(
        source.format,
        source.claims,
        samples=source.samples,
        sample_rate_hz=source.sample_rate_hz,
        bad_at_s=source.bad_at_s,
        md5=md5.digest() if md5 is not None else None,
    )
    # What is left takes seconds of CPU after hours of music, and is progress like the rest.
    return meters.result(source, warnings, lambda: reporter.progress(1.0))


class _Meters:
    """Everything that looks at canonical frames."""

    def __init__(
        self, canonical: Canonical, collector: Collector | None, *, tenths: bool, cores: int
    ) -> None:
        self._collector, self._tenths = collector, tenths
        self._lanes = Lanes([collector] if collector is not None else [], cores)
        self._rate_hz, self._layout = canonical.rate_hz, canonical.layout
        self._meter = Meter(self._rate_hz, self._layout)
        self._peaks = Peaks(self._rate_hz)
        self._foresight = Foresight(self._rate_hz)
        self._mixer: Chain | None = None
        self._mix_meter: Meter | None = None
        self.samples = 0

    def push(self, frame: AudioFrame) -> None:
        samples = to_samples(frame)
        lowest, highest = extremes(samples)
        if not self._peaks.push(lowest, highest):
            raise RejectedError(
                RejectedCode.INVALID_SAMPLES, "some samples are not numbers, or beyond all sound"
            )
        if self._collector is not None:
            self._lanes.push(self._collector, frame)
        self._foresight.push(np.maximum(highest, -lowest))
        if self.samples == 0 and frame.layout.nb_channels > _STEREO:
            self._mixer = stereo_mixer(self._rate_hz, self._layout)
            self._mix_meter = Meter(self._rate_hz, "stereo")
        self.samples += frame.samples
        self._meter.push(frame)
        self._mix(frame)

    def _mix(self, frame: AudioFrame | None) -> None:
        if self._mixer is None or self._mix_meter is None:
            return
        for mixed in self._mixer.push(frame):
            self._mix_meter.push(mixed)
        if frame is None:
            self._mix_meter.push(None)

    def result(
        self, source: Source, warnings: tuple[str, ...], worked: Callable[[], None]
    ) -> Analysis:
        self._meter.push(None)
        self._mix(None)
        loudness = self._meter.result()
        worked()
        if loudness.integrated_lufs is None:
            warnings = (*warnings, "no_loudness")
        if source.parameters_changed:
            warnings = (*warnings, "parameters_changed")
        described = describe(source, self.samples)
        insight = None
        if self._collector is not None:
            self._lanes.push(self._collector, None)
            self._lanes.finish()
            short_term_lufs = self._meter.short_term_lufs()
            insight = self._collector.result(described, loudness, short_term_lufs, worked)
            worked()
        mix = self._mix_meter
        return Analysis(
            source=described,
            loudness=loudness,
            waveform=self._peaks.result(),
            warnings=warnings,
            stereo_loudness=mix.result() if mix else None,
            loudness_curve=self._meter.curve(),
            insight=insight,
            limiting_loss_lu=self._meter.losses_lu(self._foresight, worked),
            tenths=self._meter.tenths() if self._tenths else b"",
            stereo_tenths=mix.tenths() if self._tenths and mix else b"",
            sample_peak_dbfs=self._meter.sample_peak_dbfs(),
            stereo_sample_peak_dbfs=mix.sample_peak_dbfs() if mix else None,
        )


def _collector(source: Source, canonical: Canonical) -> Collector:
    bit_depth = _bit_depth(source) if source.is_lossless else None
    return Collector(canonical.rate_hz, canonical.layout, source.channels, bit_depth)


def stereo_mixer(rate_hz: int, layout: str) -> Chain:
    """Return the mix to stereo of ITU-R BS.775: centre and surrounds at -3 dB, no LFE."""
    return Chain(
        [("aformat", "sample_fmts=fltp:channel_layouts=stereo")],
        rate_hz=rate_hz,
        sample_format="fltp",
        layout=layout,
    )


def describe(source: Source, samples: int) -> SourceInfo:
    """Return what is known of a source that was decoded to its end."""
    duration_s = samples / source.sample_rate_hz
    texts = all_texts(source.container, dict(source.stream.metadata))
    with source.whole_file() as file:
        tags, tag_lists = read_tags(texts, read_lists(file, source.format, source.codec))
    return SourceInfo(
        container=source.format,
        codec=source.codec,
        sample_rate_hz=source.sample_rate_hz,
        channels=source.channels,
        channel_layout=source.layout,
        bit_depth=_bit_depth(source) if source.is_lossless else None,
        bitrate_bps=round(source.size_bytes * 8 / duration_s),
        samples=samples,
        duration_s=duration_s,
        lossless=source.is_lossless,
        tags=tags,
        tag_lists=tag_lists,
        has_cover=source.has_cover,
        chapters=read_chapters(source.container, duration_s),
    )


def _bit_depth(source: Source) -> int:
    """Return the bits of a sample, from the container, the codec's name or its format."""
    if source.claims.bit_depth:
        return source.claims.bit_depth
    cookie = source.stream.codec_context.extradata or b""
    if source.codec == "alac" and len(cookie) > _ALAC_BITS:
        return cookie[_ALAC_BITS]
    for bits in (64, 32, 24, 16, 8):
        if source.codec.startswith("pcm") and str(bits) in source.codec:
            return bits
    name = source.stream.codec_context.format.name.removesuffix("p")
    return {"u8": 8, "s16": _SIXTEEN_BITS, "s32": 24}.get(name, _FLOAT_BITS)


class _Md5:
    """The MD5 that FLAC keeps of its samples: little-endian, interleaved, whole bytes."""

    def __init__(self, bit_depth: int) -> None:
        self._bits = bit_depth
        self._hash: _Hash = hashlib.md5(usedforsecurity=False)

    def push(self, frame: AudioFrame) -> None:
        channels = frame.layout.nb_channels
        wide = frame.format.name == "s32"
        count = frame.samples * channels
        values = np.frombuffer(memoryview(frame.planes[0]), "<i4" if wide else "<i2", count)
        if self._bits == _SIXTEEN_BITS and not wide:
            self._hash.update(values.data)
            return
        values = values >> ((32 if wide else _SIXTEEN_BITS) - self._bits)
        width = (self._bits + 7) // 8
        octets = values.view(np.uint8).reshape(count, values.itemsize)
        self._hash.update(np.ascontiguousarray(octets[:, :width]).tobytes())

    def digest(self) -> bytes:
        return self._hash.digest()
