"""Decoding an untrusted file to its end, within limits, and noting what is wrong with it."""

import os
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, Final

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from sarau.audio import _sniff
from sarau.audio._bytes import ByteSource, Worked, unwatched, watched
from sarau.audio._claims import read_claims
from sarau.audio._damage import Claims
from sarau.audio._frames import usual_layout
from sarau.audio._opening import (
    LOSSLESS_CODECS,
    find_sound,
    is_picture,
    open_container,
    short_name,
)
from sarau.audio._padding import keep_padding, padding_start, without_padding
from sarau.audio._types import Limits
from sarau.errors import RejectedCode, RejectedError

_MAX_BAD: Final = 10_000
_BOMB_SAMPLES: Final = 100_000_000
_DENSE_ABOVE_HZ: Final = 192_000
_APE_BOMB_SAMPLES: Final = 600_000_000
"""A silent frame of Monkey's Audio has up to 1,179,648 samples of each channel (at its level
"insane") in 16 bytes, its place in the table included. This is 113 minutes of a CD's silence."""


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
        self.container = open_container(fd, head)
        self.format = short_name(self.container)
        if self.format != sniffed:
            self._claim(self.format)
        self.stream = find_sound(self.container)
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
        self._packed_bytes = 0
        """What it was decoded from, with the byte that no container gets by without."""
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
        for frame in frames if end is None else without_padding(frames, end):
            self.samples += frame.samples
            self._check_so_far(frame)
            yield frame

    def _decoded(self) -> Iterator[AudioFrame]:
        for packet in self._packets():
            self._packed_bytes += packet.size + 1
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
        if self._only_page_end() is not None:
            keep_padding(packet)
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
        # A file may have its packets point at the same bytes again and again.
        size_bytes = min(self._packed_bytes, self.size_bytes)
        free = _APE_BOMB_SAMPLES if self.codec == "ape" else _BOMB_SAMPLES
        if total > free and total > size_bytes * self._max_expansion():
            detail = f"{size_bytes} bytes decode to more than {total:.0f} samples"
            raise RejectedError(RejectedCode.TOO_LONG, detail)

    def _max_expansion(self) -> float:
        """Return how many samples a byte may decode to at this rate."""
        return self._limits.max_expansion * max(1.0, self.sample_rate_hz / _DENSE_ABOVE_HZ)

    def _padding_start(self) -> int | None:
        if self.claims.fragmented:
            return None
        return self._only_page_end() or padding_start(self.container, self.stream)

    def _only_page_end(self) -> int | None:
        """Return the end of Vorbis that FFmpeg would cut at a wrong sample (`_vorbis_pages`)."""
        return self.claims.only_page_end if self.codec == "vorbis" else None
