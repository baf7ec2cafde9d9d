"""Ogg pages: their checksums, their order and their end (RFC 3533)."""

import struct
import zlib
from dataclasses import dataclass
from typing import Final

from sarau.audio._bytes import ByteSource
from sarau.audio._damage import Claims
from sarau.errors import RejectedCode, RejectedError

_MIRROR: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
HEADER_BYTES: Final = 27
MAX_PAGE_BYTES: Final = HEADER_BYTES + 255 + 255 * 255
_BLOCK_BYTES: Final = 1 << 20
_FIRST, LAST = 2, 4
_CHECKSUM_AT: Final = 22
_CHECKSUM_BYTES: Final = 4
_SOUND: Final = (b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"Speex   ")
_NO_PACKET_ENDS: Final = (1 << 64) - 1


@dataclass(slots=True)
class _Stream:
    sequence: int
    is_sound: bool
    ended: bool = False
    started: bool = False
    """A page with sound has been seen."""
    only_page_end: int | None = None
    """Its last sample, where the first page with sound is the last page as well."""


def checksum(page: bytes) -> int:
    """Return the CRC of a page whose checksum field is zeroed.

    Ogg's CRC is zlib's polynomial with the bits the other way round, from zero and not
    inverted; mirroring every byte makes zlib compute it.
    """
    value = zlib.crc32(page.translate(_MIRROR), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(value.to_bytes(4, "little").translate(_MIRROR), "big")


def read_claims(source: ByteSource) -> Claims:
    """Check every page.

    Raises:
        RejectedError: `corrupt` for damaged or missing pages, `truncated` for no end.

    """
    streams: dict[int, _Stream] = {}
    warnings: list[str] = []
    links_at: list[int] = []
    has_sound = False
    offset, block, base = 0, b"", 0
    while offset < source.size:
        if offset + MAX_PAGE_BYTES > base + len(block) and base + len(block) < source.size:
            block, base = source.read(offset, _BLOCK_BYTES), offset
            source.worked()
        at = offset - base
        length = page_length(block, at)
        if length is None or at + length > len(block):
            _judge_end(block[at:], source.size - offset, streams)
            break
        if not _is_whole(block, at, length):
            raise RejectedError(RejectedCode.CORRUPT, f"a damaged Ogg page at byte {offset}")
        if has_sound and block[at + 5] & _FIRST:
            links_at.append(offset)
        stream = _follow(block, at, length, streams, warnings)
        has_sound = has_sound or (stream.is_sound and stream.started)
        offset += length
    sound = [stream for stream in streams.values() if stream.is_sound]
    if any(not stream.ended for stream in sound):
        raise RejectedError(RejectedCode.TRUNCATED, "the last Ogg page is missing")
    return Claims(
        warnings=tuple(dict.fromkeys(warnings)),
        links_at=tuple(links_at),
        only_page_end=sound[0].only_page_end if len(sound) == 1 and not links_at else None,
    )


def page_length(block: bytes, at: int = 0) -> int | None:
    """Return the bytes of the page at `at`, None when there is none."""
    if block[at : at + 4] != b"OggS" or at + HEADER_BYTES > len(block):
        return None
    segments = block[at + 26]
    table = block[at + HEADER_BYTES : at + HEADER_BYTES + segments]
    return HEADER_BYTES + segments + sum(table)


def ends_sound(block: bytes, at: int = 0) -> bool:
    """Tell whether the page at `at` ends a packet of sound."""
    return struct.unpack_from("<Q", block, at + 6)[0] not in {0, _NO_PACKET_ENDS}


def new_page(
    flags: int, granule: int, serial: int, sequence: int, sizes: bytes, body: bytes
) -> bytes:
    """Return a page of the segments of `body`, whose sizes are given."""
    head = struct.pack("<4sxBQIIxxxxB", b"OggS", flags, granule, serial, sequence, len(sizes))
    return with_checksum(head + sizes + body)


def with_checksum(page: bytes) -> bytes:
    """Return a page with the checksum that it should have."""
    before, after = page[:_CHECKSUM_AT], page[_CHECKSUM_AT + _CHECKSUM_BYTES :]
    value = checksum(before + bytes(_CHECKSUM_BYTES) + after)
    return before + struct.pack("<I", value) + after


def _is_whole(block: bytes, at: int, length: int) -> bool:
    page = block[at : at + length]
    return with_checksum(page) == page


def _judge_end(rest: bytes, remaining: int, streams: dict[int, _Stream]) -> None:
    """Decide about bytes that are not a whole page."""
    ended = all(stream.ended for stream in streams.values() if stream.is_sound)
    if rest[:4] != b"OggS" and b"OggS" in rest[1:]:
        raise RejectedError(
            RejectedCode.CORRUPT, f"lost the Ogg pages {remaining} bytes before the end"
        )
    if not ended:
        raise RejectedError(RejectedCode.TRUNCATED, "the file ends within an Ogg page")


def _follow(
    block: bytes, at: int, length: int, streams: dict[int, _Stream], warnings: list[str]
) -> _Stream:
    """Return the stream of a page, with what the page tells of it."""
    flags = block[at + 5]
    granule, serial, sequence = struct.unpack_from("<QII", block, at + 6)
    stream = streams.get(serial)
    if stream is None or flags & _FIRST:
        body = block[at + HEADER_BYTES + block[at + 26] : at + length]
        stream = streams[serial] = _Stream(sequence, body.startswith(_SOUND))
    elif sequence != stream.sequence + 1 & 0xFFFFFFFF and stream.is_sound:
        if stream.started:
            raise RejectedError(RejectedCode.CORRUPT, f"Ogg pages missing before {sequence}")
        warnings.append("damaged_start")
    stream.sequence = sequence
    if ends_sound(block, at):
        stream.only_page_end = granule if flags & LAST and not stream.started else None
        stream.started = True
    stream.ended = stream.ended or bool(flags & LAST)
    return stream
