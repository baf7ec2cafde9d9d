# ruff: noqa: PLR2004 - the figures are those of the file format
"""What a container says about itself, checked before and after decoding.

Decoders carry on over missing and damaged parts; the container often knows better.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sarau.audio import _mp3, _mp4, _ogg
from sarau.audio._bytes import ByteSource, skip_id3v2
from sarau.audio._damage import Claims
from sarau.errors import RejectedCode, RejectedError

_STREAMED_SIZE: Final = 0x7FFFF000
"""Programs that write to a pipe leave sizes from here up, as they cannot go back."""
_STREAMED_AIFF_SIZE: Final = 0x7EFF0000
"""SoX leaves as many whole samples there as go into 0x7f000000 bytes."""
_STREAMED_LONG_SIZE: Final = 1 << 62
"""FFmpeg leaves the greatest number of 63 bits."""
_STREAMED_AU_SIZE: Final = 0xFFFFFFFF
_W64_DATA: Final = b"data" + bytes.fromhex("f3acd3118cd100c04f8edb8a")
_W64_HEAD_BYTES: Final = 24
_MAX_CHUNKS: Final = 10_000
_PCM_TAGS: Final = {1, 3}
_EXTENSIBLE: Final = 0xFFFE


def read_claims(source: ByteSource, container: str) -> Claims:
    """Return what the file claims to hold.

    Raises:
        RejectedError: `truncated` or `corrupt` when the container's own structure says so.

    """
    reader = _READERS.get(container)
    return reader(source) if reader else Claims()


def _flac(source: ByteSource) -> Claims:
    start = skip_id3v2(source)
    head = source.read(start, 42)
    if len(head) < 42 or head[:4] != b"fLaC" or head[4] & 0x7F != 0:
        raise RejectedError(RejectedCode.TRUNCATED, "the FLAC header is not whole")
    packed = int.from_bytes(head[18:26], "big")
    md5 = head[26:42]
    return Claims(
        sample_rate_hz=packed >> 44,
        channels=(packed >> 41 & 7) + 1,
        bit_depth=(packed >> 36 & 31) + 1,
        samples=packed & (1 << 36) - 1 or None,
        md5=md5 if any(md5) else None,
    )


@dataclass(frozen=True, slots=True)
class _WavFormat:
    tag: int
    channels: int
    sample_rate_hz: int
    block_bytes: int
    bits: int


def _wav(source: ByteSource) -> Claims:
    """Walk the chunks of RIFF, RF64 and BW64 up to the sound."""
    big = source.read(0, 4) == b"RIFX"
    order = ">" if big else "<"
    offset, long_size, form = 12, None, None
    for _ in range(_MAX_CHUNKS):
        head = source.read(offset, 8)
        if len(head) < 8:
            raise RejectedError(RejectedCode.TRUNCATED, "the WAV file ends before its sound")
        name, size = head[:4], struct.unpack(order + "I", head[4:])[0]
        offset += 8
        if name == b"ds64":
            long_size = struct.unpack("<Q", source.read(offset + 8, 8).ljust(8, b"\0"))[0]
        elif name == b"fmt ":
            form = _WavFormat(
                *struct.unpack(order + "HHI4xHH", source.read(offset, 16).ljust(16, b"\0"))
            )
            if form.tag == _EXTENSIBLE and size >= 40:
                tag = struct.unpack(order + "H", source.read(offset + 24, 2).ljust(2, b"\0"))[0]
                form = _WavFormat(
                    tag, form.channels, form.sample_rate_hz, form.block_bytes, form.bits
                )
        elif name == b"data":
            return _wav_data(source, form, offset, long_size if size == 0xFFFFFFFF else size)
        offset += size + (size & 1)
    raise RejectedError(RejectedCode.CORRUPT, "the WAV file has no end of chunks")


def _wav_data(source: ByteSource, form: _WavFormat | None, offset: int, size: int | None) -> Claims:
    if form is None:
        raise RejectedError(RejectedCode.CORRUPT, "the WAV file has sound but no format")
    available = source.size - offset
    pcm = form.tag in _PCM_TAGS
    claims = Claims(
        sample_rate_hz=form.sample_rate_hz,
        channels=form.channels,
        bit_depth=form.bits if pcm else None,
    )
    if size is None or size == 0 or (_STREAMED_SIZE <= size <= 0xFFFFFFFF and size > available):
        return (
            claims.with_warning("streamed_header")
            if available > 0 and size != available
            else claims
        )
    if available + 1 < size:
        raise RejectedError(
            RejectedCode.TRUNCATED, f"the WAV file has {available} of {size} bytes of sound"
        )
    block = form.block_bytes
    return claims.with_samples(size // block) if pcm and block else claims


def _w64(source: ByteSource) -> Claims:
    """Walk the chunks of Sony Wave64 up to the sound; sizes count the head of a chunk."""
    offset = 40
    for _ in range(_MAX_CHUNKS):
        head = source.read(offset, _W64_HEAD_BYTES)
        if len(head) < _W64_HEAD_BYTES:
            raise RejectedError(RejectedCode.TRUNCATED, "the W64 file ends before its sound")
        size = struct.unpack("<Q", head[16:])[0]
        if head[:16] == _W64_DATA:
            offset += _W64_HEAD_BYTES
            if size >= _STREAMED_LONG_SIZE:
                # FFmpeg reads none, and the format knows no such size.
                detail = "the W64 file does not say how long it is"
                raise RejectedError(RejectedCode.UNSUPPORTED_CODEC, detail)
            _check_sound(source, "W64", offset, size - _W64_HEAD_BYTES)
            return Claims()
        offset += max(_W64_HEAD_BYTES, size + 7 & ~7)
    raise RejectedError(RejectedCode.CORRUPT, "the W64 file has no end of chunks")


def _caf(source: ByteSource) -> Claims:
    """Walk the chunks; a size of -1 is that of sound up to the end of the file."""
    offset, has_sound, needs_table = 8, False, False
    for _ in range(_MAX_CHUNKS):
        head = source.read(offset, 12)
        if len(head) < 12:
            break
        name, size = struct.unpack(">4sq", head)
        offset += 12
        if name == b"desc":
            packet = struct.unpack(">II", source.read(offset + 16, 8).ljust(8, b"\0"))
            needs_table = 0 in packet
        elif name in {b"data", b"pakt"}:
            _check_sound(source, "CAF", offset, size)
            has_sound = has_sound or name == b"data"
            needs_table = needs_table and name != b"pakt"
        if size < 0:
            break
        offset += size
    if not has_sound:
        raise RejectedError(RejectedCode.TRUNCATED, "the CAF file ends before its sound")
    if needs_table:
        raise RejectedError(RejectedCode.TRUNCATED, "the CAF file lacks the table of its packets")
    return Claims()


def _au(source: ByteSource) -> Claims:
    start, size = struct.unpack(">II", source.read(4, 8).ljust(8, b"\0"))
    if size != _STREAMED_AU_SIZE:
        _check_sound(source, "AU", start, size)
    return Claims()


def _check_sound(source: ByteSource, kind: str, start: int, size: int) -> None:
    available = max(0, source.size - start)
    if available < size:
        raise RejectedError(
            RejectedCode.TRUNCATED, f"the {kind} file has {available} of {size} bytes of sound"
        )


def _ape(source: ByteSource) -> Claims:
    """Add up the parts that the descriptor lists, and the frames; the oldest have no descriptor."""
    start = skip_id3v2(source)
    head = source.read(start, 36)
    if len(head) < 36:
        raise RejectedError(RejectedCode.TRUNCATED, "the APE header is not whole")
    version, compression = struct.unpack_from("<HH", head, 4)
    if version < 3980:
        frames, last = struct.unpack_from("<II", head, 24)
        long = version >= 3900 or compression >= 4000
        blocks = 294_912 if version >= 3950 else 73_728 if long else 9_216
    else:
        *parts, high, tail = struct.unpack_from("<7I", head, 8)
        _check_sound(source, "APE", start, sum(parts) + (high << 32) + tail)
        blocks, last, frames = struct.unpack_from("<III", source.read(start + parts[0], 16), 4)
    return Claims(samples=(frames - 1) * blocks + last if frames else None)


def _wavpack(source: ByteSource) -> Claims:
    samples = struct.unpack("<I", source.read(12, 4).ljust(4, b"\xff"))[0]
    flags = struct.unpack("<I", source.read(24, 4).ljust(4, b"\0"))[0]
    return Claims(
        samples=None if samples == 0xFFFFFFFF else samples,
        bit_depth=8 * ((flags & 3) + 1),
    )


def _tta(source: ByteSource) -> Claims:
    start = skip_id3v2(source)
    return Claims(samples=struct.unpack("<I", source.read(start + 14, 4).ljust(4, b"\0"))[0])


def _aiff(source: ByteSource) -> Claims:
    offset, channels, frames, bits = 12, None, None, None
    warnings: tuple[str, ...] = ()
    compressed = source.read(8, 4) == b"AIFC"
    for _ in range(_MAX_CHUNKS):
        head = source.read(offset, 8)
        if len(head) < 8:
            break
        name, size = head[:4], struct.unpack(">I", head[4:])[0]
        offset += 8
        if name == b"COMM":
            channels, frames, bits = struct.unpack(">hIh", source.read(offset, 8).ljust(8, b"\0"))
            if channels < 1 or bits < 0:
                detail = f"the AIFF file says {channels} channels of {bits} bits"
                raise RejectedError(RejectedCode.CORRUPT, detail)
        elif name == b"SSND":
            available = source.size - offset
            if _STREAMED_AIFF_SIZE <= size < _STREAMED_SIZE and available < size:
                frames, warnings = None, ("streamed_header",)
            elif available + 1 < size:
                detail = f"the AIFF file has {available} of {size} bytes of sound"
                raise RejectedError(RejectedCode.TRUNCATED, detail)
        offset += size + (size & 1)
    if channels is None:
        raise RejectedError(RejectedCode.TRUNCATED, "the AIFF file has no description")
    return Claims(
        channels=channels,
        bit_depth=bits or None,
        samples=None if compressed else frames,
        warnings=warnings,
    )


def _asf(source: ByteSource) -> Claims:
    """Compare the size in the file properties object, unless it says `live`."""
    head = source.read(0, 64 * 1024)
    at = head.find(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365"))
    if at < 0 or len(head) < at + 104:
        raise RejectedError(RejectedCode.TRUNCATED, "the ASF header is not whole")
    claimed = struct.unpack_from("<Q", head, at + 40)[0]
    live = struct.unpack_from("<I", head, at + 88)[0] & 1
    if not live and claimed > source.size:
        raise RejectedError(
            RejectedCode.TRUNCATED, f"the ASF file has {source.size} of {claimed} bytes"
        )
    return Claims()


def _matroska(source: ByteSource) -> Claims:
    """Compare the size of the segment, unless it is marked unknown (live)."""
    offset = 0
    for _ in range(16):
        element, size, start = _ebml(source, offset)
        if element == 0x18538067:
            if size is not None and start + size > source.size:
                raise RejectedError(
                    RejectedCode.TRUNCATED,
                    f"the Matroska file lacks {start + size - source.size} bytes",
                )
            return Claims()
        if size is None:
            break
        offset = start + size
    raise RejectedError(RejectedCode.TRUNCATED, "the Matroska file has no segment")


def _ebml(source: ByteSource, offset: int) -> tuple[int, int | None, int]:
    """Return id, size (None when unknown) and start of the content of an element."""
    head = source.read(offset, 12).ljust(12, b"\0")
    id_bytes = 9 - head[0].bit_length() or 1
    first = head[id_bytes] if id_bytes < len(head) else 0
    size_bytes = 9 - first.bit_length()
    if not first or id_bytes + size_bytes > len(head) or offset >= source.size:
        return 0, None, offset
    raw = int.from_bytes(head[id_bytes : id_bytes + size_bytes], "big")
    mask = (1 << 7 * size_bytes) - 1
    size = raw & mask
    element = int.from_bytes(head[:id_bytes], "big")
    return element, None if size == mask else size, offset + id_bytes + size_bytes


_READERS: Final[dict[str, Callable[[ByteSource], Claims]]] = {
    "flac": _flac,
    "wav": _wav,
    "w64": _w64,
    "aiff": _aiff,
    "caf": _caf,
    "au": _au,
    "ape": _ape,
    "wv": _wavpack,
    "tta": _tta,
    "asf": _asf,
    "matroska": _matroska,
    "mp3": _mp3.read_claims,
    "ogg": _ogg.read_claims,
    "m4a": _mp4.read_claims,
}
