"""HLS from packets that are encoded already: read from the finished m4a, put into fragments.

There is no second encoding, so what was measured on an m4a holds for its variant; that the
packets are the same is checked by reading the set back. Players that read the edit list
find the first sample by it. FFmpeg does not read it in fragments, and finds Apple's
`iTunSMPB`, which is put into each initialisation beside it.
"""

import hashlib
import io
import os
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer

from sarau.audio._gapless import AAC_FRAME_SAMPLES, inside, itunsmpb_text
from sarau.audio._plain import Plain, from_plain
from sarau.audio._playlists import (
    Segment,
    Variant,
    media_playlist,
    multivariant_playlist,
    target_s,
)
from sarau.audio._reporter import Reporter
from sarau.audio._tasks import PackageJob, Rate
from sarau.audio.hls import INDEX

_SEGMENT_S: Final = 6
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_HEAD_BYTES: Final = 8
_FLAGS: Final = "+cmaf+delay_moov+skip_trailer"


def run(job: dict[str, Any], inputs: list[int], reporter: Reporter) -> Plain:
    """Write the set of a job into the working directory; the operation of a child."""
    task = from_plain(PackageJob, job["task"])
    path = Path(task.name)
    variants = []
    digests = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for rate, fd in zip(task.rates, inputs, strict=True):
            media = _media_name(rate)
            with archive.open(zipfile.ZipInfo(media, _EPOCH), "w", force_zip64=True) as target:
                variant, digests[media] = _fragment(rate, fd, target, reporter)
            variants.append(variant)
        target_duration = target_s(variants)
        for variant in variants:
            _write(archive, variant.playlist, media_playlist(variant, target_duration))
        _write(archive, INDEX, multivariant_playlist(variants, target_duration))
    with zipfile.ZipFile(path) as archive:
        for media, digest in digests.items():
            with archive.open(media) as written, av.open(written, "r") as container:
                if _digest(container, reporter) != digest:
                    raise ValueError(f"{media} does not hold the packets it was made of")
    return None


def _write(archive: zipfile.ZipFile, name: str, text: str) -> None:
    archive.writestr(zipfile.ZipInfo(name, _EPOCH), text.encode())


def _media_name(rate: Rate) -> str:
    # No rendition's name has an underscore: none can be called like the index.
    return f"audio_{rate.name}.mp4"


def _fragment(rate: Rate, fd: int, target: "_Writable", reporter: Reporter) -> tuple[Variant, str]:
    """Put the packets of one m4a into fragments; return what they are, and their hash."""
    os.lseek(fd, 0, os.SEEK_SET)
    hashed, packets = hashlib.sha256(), 0
    with av.open("fd:", options={"fd": str(fd), "protocol_whitelist": "fd"}) as source:
        stream = source.streams.audio[0]
        rate_hz, channels = stream.rate, stream.codec_context.layout.nb_channels
        total = stream.frames * AAC_FRAME_SAMPLES
        out, sink = _muxer(rate_hz, target)
        copied = out.add_stream_from_template(stream)
        for packet in _packets(source, stream, reporter):
            if not packets:
                delay = max(0, -(packet.pts or 0))
                sink.hears = _Heard(delay, total - delay - rate.samples, rate.samples)
            packets += 1
            hashed.update(bytes(packet))
            packet.stream = copied
            out.mux(packet)
        out.close()
    if packets * AAC_FRAME_SAMPLES != total or sum(count for _, count in sink.fragments) != packets:
        raise ValueError(f"{packets} packets in {rate.name}, {total} samples were expected")
    media = _media_name(rate)
    playlist = media.replace(".mp4", ".m3u8")
    segments = _segments(sink, rate_hz)
    return Variant(playlist, media, sink.init_bytes, segments, channels), hashed.hexdigest()


def _muxer(rate_hz: int, target: "_Writable") -> tuple[OutputContainer, "_Fragments"]:
    # A fragment is cut when it has become as long: one packet less keeps it within.
    packet_us = AAC_FRAME_SAMPLES * 1_000_000 // rate_hz
    sink = _Fragments(target)
    options = {
        "movflags": _FLAGS,
        "fflags": "+bitexact",
        "movie_timescale": str(rate_hz),
        "frag_duration": str(_SEGMENT_S * 1_000_000 - packet_us),
    }
    return av.open(sink, "w", format="mp4", options=options), sink


def _packets(
    source: InputContainer, stream: AudioStream, reporter: Reporter
) -> Iterator["av.Packet[AudioStream]"]:
    for number, packet in enumerate(source.demux(stream), 1):
        reporter.progress(number / (stream.frames or number))
        if packet.size:
            yield packet


def _digest(container: InputContainer, reporter: Reporter) -> str:
    hashed = hashlib.sha256()
    for packet in _packets(container, container.streams.audio[0], reporter):
        hashed.update(bytes(packet))
    return hashed.hexdigest()


def _segments(sink: "_Fragments", rate_hz: int) -> tuple[Segment, ...]:
    """Place the fragments one after the other; what is not heard counts for no time."""
    segments = []
    offset = sink.init_bytes
    for number, (size_bytes, packets) in enumerate(sink.fragments):
        samples = packets * AAC_FRAME_SAMPLES
        samples -= sink.hears.delay if number == 0 else 0
        samples -= sink.hears.padding if number == len(sink.fragments) - 1 else 0
        segments.append(Segment(offset, size_bytes, samples / rate_hz))
        offset += size_bytes
    return tuple(segments)


@dataclass(frozen=True, slots=True)
class _Heard:
    """What is heard of a stream, in samples."""

    delay: int
    padding: int
    samples: int

    def tag(self) -> bytes:
        """Return the boxes that say so the way Apple does."""
        text = itunsmpb_text(delay=self.delay, padding=self.padding, samples=self.samples)
        named = [
            _box(b"mean", bytes(4) + b"com.apple.iTunes"),
            _box(b"name", bytes(4) + b"iTunSMPB"),
            _box(b"data", struct.pack(">II", 1, 0) + text.encode()),
        ]
        handler = _box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
        tags = _box(b"ilst", _box(b"----", b"".join(named)))
        return _box(b"udta", _box(b"meta", bytes(4) + handler + tags))


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", _HEAD_BYTES + len(content), name) + content


class _Writable(Protocol):
    def write(self, data: bytes, /) -> int: ...


class _Fragments(io.RawIOBase):
    """Takes what the muxer writes, adds the tag to its index, and counts its fragments."""

    def __init__(self, target: _Writable) -> None:
        self._target = target
        self._rest = bytearray()
        self._fragment = (0, 0)
        self.hears = _Heard(0, 0, 0)
        """To be set before the first fragment is complete."""
        self.init_bytes = 0
        self.fragments: list[tuple[int, int]] = []
        """Bytes and packets of each."""

    def writable(self) -> bool:
        """Say that one can write here."""
        return True

    def write(self, data: object) -> int:
        """Take some bytes, and pass on the boxes that are whole."""
        piece = bytes(memoryview(data))  # type: ignore[arg-type] # any buffer
        self._rest += piece
        while len(self._rest) >= _HEAD_BYTES:
            size, name = struct.unpack_from(">I4s", self._rest)
            if size < _HEAD_BYTES:
                raise ValueError(f"a box {name!r} of {size} bytes")
            if len(self._rest) < size:
                break
            self._pass_on(name, bytes(self._rest[:size]))
            del self._rest[:size]
        return len(piece)

    def _pass_on(self, name: bytes, box: bytes) -> None:
        if name == b"moov":
            box = _box(name, box[_HEAD_BYTES:] + self.hears.tag())
        self._target.write(box)
        if name == b"moof":
            counted = inside(box[_HEAD_BYTES:], b"traf", b"trun")
            self._fragment = (len(box), struct.unpack_from(">I", counted, 4)[0])
        elif name == b"mdat" and self.init_bytes:
            size_bytes, packets = self._fragment
            self.fragments.append((size_bytes + len(box), packets))
        elif not self.fragments:
            self.init_bytes += len(box)
        else:
            raise ValueError(f"a box {name!r} between fragments")
