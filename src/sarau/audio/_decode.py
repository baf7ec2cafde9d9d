"""Opening and decoding an untrusted file, within white lists and limits."""

import contextlib
import os
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, BinaryIO, Final

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard

from sarau.audio import _sniff
from sarau.audio._bytes import ByteSource, Worked, unwatched, watched
from sarau.audio._claims import read_claims
from sarau.audio._damage import Claims
from sarau.audio._frames import Chain, cut, layout_name, usual_layout
from sarau.audio._libraries import pyav_major
from sarau.audio._types import Limits
from sarau.errors import RejectedCode, RejectedError

FORMATS: Final = "wav,w64,aiff,caf,au,flac,mp3,ogg,mov,matroska,aac,asf,ape,wv,tta"
"""Demuxers of containers for sound. None of them opens another file."""

_LOSSY: Final = (
    "mp1float,mp1,mp2float,mp2,mp3float,mp3,aac,vorbis,opus,speex,wmav1,wmav2,wmapro,ac3,eac3,"
    "adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,pcm_alaw,pcm_mulaw"
)
_LOSSLESS: Final = (
    "flac,alac,wavpack,tta,ape,wmalossless,"
    "pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,"
    "pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be"
)
LOSSLESS_CODECS: Final = frozenset(_LOSSLESS.split(","))
_CODECS: Final = LOSSLESS_CODECS | frozenset(_LOSSY.split(","))

_SHORT_NAMES: Final = {"mov,mp4,m4a,3gp,3g2,mj2": "m4a", "matroska,webm": "matroska"}
_ATTACHED_PICTURE: Final = 0x400
_MAX_STREAMS: Final = 64
_MAX_BAD: Final = 10_000
_BOMB_SAMPLES: Final = 100_000_000
_MAX_PADDING_SAMPLES: Final = 4096
"""Two frames of HE-AAC, the longest."""
FRAME_SAMPLES: Final = 16384
"""Filters and encoders work best on long frames."""


class Source:
    """An open file whose container, codec and shape have been accepted.

    `worked` is called while its claims and its tags are read.
    """

    def __init__(self, fd: int, limits: Limits, worked: Worked = unwatched) -> None:
        self._limits = limits
        self._bytes = ByteSource.of(fd, worked)
        head = self._bytes.read(0, _sniff.HEAD_BYTES)
        _sniff.check_not_empty_or_list(head, self._bytes.size)
        self.claims = Claims()
        sniffed = _sniff.container_of(head)
        if sniffed is not None:
            self._claim(sniffed)
        self.container = _open(fd, head)
        self.format = _SHORT_NAMES.get(self.container.format.name, self.container.format.name)
        if self.format != sniffed:
            self._claim(self.format)
        self.stream = _find_sound(self.container)
        # Of the first part: the decoder's own are those of the part it is in.
        context = self.stream.codec_context
        self.sample_rate_hz: Final = context.sample_rate
        self.layout: Final = usual_layout(context.layout)
        self.channels: Final = context.layout.nb_channels
        self.check_shape(self.sample_rate_hz, self.channels)
        self._check_length()
        self.bad_at_s: list[float] = []
        """Where packets could not be decoded."""
        self.samples = 0
        """Decoded so far."""
        self._canonical_samples = 0.0
        """The same, at the rate of the first part, which all others are brought to."""
        self.parameters_changed = False
        self._links_at = deque(self.claims.links_at)

    @property
    def size_bytes(self) -> int:
        """The size of the file."""
        return self._bytes.size

    @property
    def codec(self) -> str:
        """FFmpeg's name of the codec, without the kind of its implementation."""
        return self.stream.codec_context.name.removesuffix("float")

    @property
    def is_lossless(self) -> bool:
        """Whether the codec gives back what was put in."""
        return self.stream.codec_context.name in LOSSLESS_CODECS

    def whole_file(self) -> BinaryIO:
        """Return the file itself; moving about in it disturbs what is decoded after that."""
        return watched(os.dup(self._bytes.fd), self._bytes.worked, "rb")

    @property
    def has_cover(self) -> bool:
        """Whether the file carries a picture."""
        return any(is_picture(stream) for stream in self.container.streams)

    @property
    def expected_samples(self) -> int | None:
        """About how many samples there will be, for showing progress."""
        if self.claims.samples:
            return self.claims.samples
        if self.container.duration:
            return int(self.container.duration * self.sample_rate_hz / av.time_base)
        return None

    def frames(self) -> Iterator[AudioFrame]:
        """Decode to the end; what cannot be decoded is noted in `bad_at_s`.

        Raises:
            RejectedError: `too_long` and others, when a limit is passed on the way.

        """
        frames, end = self._decoded(), self._padding_start()
        for frame in frames if end is None else _without_padding(frames, end):
            self.samples += frame.samples
            self._check_so_far(frame)
            yield frame

    def _decoded(self) -> Iterator[AudioFrame]:
        for packet in self._packets():
            try:
                frames = self._decode(packet)
            except (av.InvalidDataError, av.PatchWelcomeError) as error:
                self._note_bad(error)
                continue
            for frame in frames:
                if frame.samples:
                    self._note_jump(frame)
                    yield frame

    def _decode(self, packet: "av.Packet[AudioStream]") -> list[AudioFrame]:
        """Decode a packet; a decoder forgets one stream of chained Ogg before the next."""
        links_at = self._links_at
        if packet.pos is None or not links_at or packet.pos < links_at[0]:
            return packet.decode()
        while links_at and links_at[0] <= packet.pos:
            links_at.popleft()
        context = self.stream.codec_context
        rest = context.decode(None)
        context.flush_buffers()
        return [*rest, *packet.decode()]

    def _packets(self) -> Iterator["av.Packet[AudioStream]"]:
        packets = self.container.demux(self.stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.InvalidDataError, av.PatchWelcomeError) as error:
                self._note_bad(error)
                return
            yield packet

    def _note_jump(self, frame: AudioFrame) -> None:
        """Notice that the decoder has left out FLAC frames, which are numbered."""
        if self.format != "flac" or frame.pts is None or frame.pts <= self.samples:
            return
        position_s = self.samples / self.sample_rate_hz
        if position_s not in self.bad_at_s[-1:]:
            self.bad_at_s.append(position_s)

    def _note_bad(self, error: Exception) -> None:
        self.bad_at_s.append(self.samples / self.sample_rate_hz)
        if len(self.bad_at_s) > _MAX_BAD:
            raise RejectedError(RejectedCode.CORRUPT, f"nothing but damage: {error}") from error

    def _claim(self, container: str) -> None:
        self.claims = read_claims(self._bytes, container)
        claims = self.claims
        if claims.channels is not None and claims.sample_rate_hz is not None:
            self.check_shape(claims.sample_rate_hz, claims.channels)

    def check_shape(self, rate_hz: int, channels: int) -> None:
        """Raise `RejectedError` for a rate or number of channels that is not taken."""
        limits = self._limits
        if channels > limits.max_channels:
            detail = f"{channels} channels, {limits.max_channels} are allowed"
            raise RejectedError(RejectedCode.TOO_MANY_CHANNELS, detail)
        if channels < 1:
            raise RejectedError(RejectedCode.CORRUPT, "a file without channels")
        if not limits.min_sample_rate_hz <= rate_hz <= limits.max_sample_rate_hz:
            raise RejectedError(RejectedCode.UNSUPPORTED_RATE, f"{rate_hz} Hz")

    def _check_length(self) -> None:
        """Turn a file away by what it claims, so that a bomb costs nothing."""
        if self.claims.samples is not None:
            self._check_samples(self.claims.samples)

    def _check_samples(self, samples: float) -> None:
        limits = self._limits
        if samples > limits.max_duration_s * self.sample_rate_hz:
            detail = f"longer than {limits.max_duration_s / 3600:g} hours"
            raise RejectedError(RejectedCode.TOO_LONG, detail)
        if samples * self.channels > limits.max_samples:
            raise RejectedError(RejectedCode.TOO_LONG, f"more than {limits.max_samples} samples")

    def _check_so_far(self, frame: AudioFrame) -> None:
        self._canonical_samples += frame.samples * self.sample_rate_hz / frame.sample_rate
        self._check_samples(self._canonical_samples)
        total = self._canonical_samples * self.channels
        if total > _BOMB_SAMPLES and total > self.size_bytes * self._limits.max_expansion:
            detail = f"{self.size_bytes} bytes decode to more than {total:.0f} samples"
            raise RejectedError(RejectedCode.TOO_LONG, detail)

    def _padding_start(self) -> int | None:
        """Return how many samples an MP4 says it has; the codec's padding follows them."""
        duration, time_base = self.stream.duration, self.stream.time_base
        if self.claims.fragmented or self.format != "m4a":
            return None
        if duration is None or time_base is None:
            return None
        return int(duration * time_base * self.sample_rate_hz) or None


def _without_padding(frames: Iterator[AudioFrame], end: int) -> Iterator[AudioFrame]:
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


def is_picture(stream: "av.stream.Stream") -> bool:
    """Tell whether a stream is a cover."""
    return bool(int(stream.disposition) & _ATTACHED_PICTURE)


# PyAV 18 refuses tags that are not UTF-8 unless it is told; PyAV 19 keeps their bytes by itself.
_TOLERANT: Final[dict[str, Any]] = (
    {} if pyav_major() >= 19 else {"metadata_errors": "surrogateescape"}  # noqa: PLR2004
)


def _open(fd: int, head: bytes) -> InputContainer:
    options = {
        "fd": str(fd),
        "protocol_whitelist": "fd",
        "format_whitelist": FORMATS,
        "codec_whitelist": ",".join(sorted(_CODECS)),
        "max_streams": str(_MAX_STREAMS),
        "max_size": str(4 * FRAME_SAMPLES),
    }
    os.lseek(fd, 0, os.SEEK_SET)  # A copy of a descriptor shares its position.
    try:
        container: InputContainer = av.open("fd:", options=options, **_TOLERANT)
    except MemoryError:
        raise
    except av.FFmpegError as error:
        ended = isinstance(error, av.EOFError)
        raise _sniff.unreadable(head, str(error.strerror), ended=ended) from error
    return container


def _find_sound(container: InputContainer) -> AudioStream:
    found = container.streams.best("audio")
    if not isinstance(found, AudioStream):
        pictures = [stream for stream in container.streams if is_picture(stream)]
        code = RejectedCode.NO_SAMPLES if pictures or not container.streams else None
        raise RejectedError(code or RejectedCode.NO_AUDIO_STREAM, "no stream of sound")
    try:
        name = found.codec_context.name
    except AttributeError:
        name = "unknown"
    if name not in _CODECS:
        raise RejectedError(RejectedCode.UNSUPPORTED_CODEC, f"the codec {name!r} is not taken")
    found.codec_context.thread_count = 1
    for stream in container.streams:
        if stream is not found and not is_picture(stream):
            with contextlib.suppress(AttributeError):
                stream.discard = Discard.all
    return found


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


RESAMPLER: Final = "{}:filter_size=64:phase_shift=10:cutoff=0.97"
"""At least 93 dB of signal to noise at 20 kHz; swr's own settings give 25."""
