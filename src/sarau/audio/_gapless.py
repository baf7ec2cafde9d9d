# ruff: noqa: PLR2004 - the figures are those of the file formats
"""Where the sound of an encoded file begins and ends, said so that players find it.

MP3: the padding in LAME's tag. The muxer writes what the last packet discards, which is
up to 46 samples too few for one length in 25, when a whole packet is padding and so is
the end of the one before; it is set to what the length asks for.
AAC: Apple's `iTunSMPB`, for players that do not read the edit list, worked out from the
edit list and the packets that are in the file. Opus needs nothing: pre-skip and the last
granule position are right as they are written.
"""

import os
import struct
from pathlib import Path
from typing import Final

from sarau.audio._bytes import ByteSource, skip_id3v2
from sarau.audio._mp3 import parse_header

AAC_FRAME_SAMPLES: Final = 1024
_DELAYS: Final = 141
"""From the word Xing or Info to the 12 bits of delay and the 12 of padding."""
_TAG_CRC: Final = 154
_CHECKED_BYTES: Final = 190
"""What the checksum is over, its own place taken as zero."""
_CRC_BYTES: Final = 2
_HEAD_BYTES: Final = _CHECKED_BYTES + _CRC_BYTES
_MAX_PADDING: Final = 0xFFF


def set_mp3_padding(path: Path, samples: int) -> None:
    """Have LAME's tag of a finished file end the sound after `samples`.

    Raises:
        ValueError: when there is no such tag, or it cannot say it.

    """
    with path.open("r+b") as file:
        source = ByteSource.of(file.fileno())
        begin = skip_id3v2(source)
        head = bytearray(source.read(begin, _HEAD_BYTES))
        frame = parse_header(int.from_bytes(head[1:4], "big") & 0xFFFFC0)
        if len(head) < _HEAD_BYTES or frame is None:
            raise ValueError("no MPEG frame at the start")
        tag = frame.side_bytes
        name, flags, frames = struct.unpack_from(">4sII", head, tag)
        if name not in {b"Xing", b"Info"} or flags != 0xF:
            raise ValueError("no tag of LAME's in the first frame")
        delay = int.from_bytes(head[tag + _DELAYS : tag + _DELAYS + 3], "big") >> 12
        padding = frames * frame.samples - delay - samples
        if not 0 <= padding <= _MAX_PADDING:
            raise ValueError(f"{frames} frames for {samples} samples")
        head[tag + _DELAYS : tag + _DELAYS + 3] = (delay << 12 | padding).to_bytes(3, "big")
        place = slice(tag + _TAG_CRC, tag + _TAG_CRC + _CRC_BYTES)
        head[place] = bytes(_CRC_BYTES)
        head[place] = _crc16(head[:_CHECKED_BYTES]).to_bytes(_CRC_BYTES, "big")
        file.seek(begin)
        file.write(head)


def _crc16(data: bytes | bytearray) -> int:
    """Return the CRC-16 of ANSI, lowest bit first, from zero."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def itunsmpb(path: Path) -> str:
    """Return Apple's tag for an AAC file of one track: delay, padding, samples.

    Raises:
        ValueError: when the file has no single edit or times other than in samples.

    """
    moov = _index(path)
    track = inside(moov, b"trak")
    media = inside(track, b"mdia")
    edits = inside(track, b"edts", b"elst")
    times = inside(media, b"minf", b"stbl", b"stts")
    count = struct.unpack_from(">I", edits, 4)[0]
    samples, delay = struct.unpack_from(">Qq" if edits[0] else ">Ii", edits, 8)
    if count != 1 or delay < 0 or _clock_hz(moov, b"mvhd") != _clock_hz(media, b"mdhd"):
        raise ValueError(f"{count} edits, the first from {delay}")
    runs = struct.unpack_from(">I", times, 4)[0]
    packets = sum(struct.unpack_from(">I", times, 8 + 8 * run)[0] for run in range(runs))
    padding = packets * AAC_FRAME_SAMPLES - delay - samples
    if padding < 0:
        raise ValueError(f"{packets} packets for {samples} samples")
    return itunsmpb_text(delay=delay, padding=padding, samples=samples)


def itunsmpb_text(*, delay: int, padding: int, samples: int) -> str:
    """Return what Apple's tag says, in its own form."""
    return f" 00000000 {delay:08X} {padding:08X} {samples:016X}" + " 00000000" * 8


def _index(path: Path) -> bytes:
    """Return the content of an MP4 file's index, wherever it is."""
    with path.open("rb") as file:
        while len(head := file.read(16)) == 16:
            size, name = struct.unpack_from(">I4s", head)
            size = int.from_bytes(head[8:], "big") if size == 1 else size
            if size < 8:
                break
            if name == b"moov":
                return head[8:] + file.read(size - 16)
            file.seek(size - 16, os.SEEK_CUR)
    raise ValueError("an MP4 file without an index")


def _clock_hz(data: bytes, name: bytes) -> int:
    """Return the ticks per second that a header counts in."""
    header = inside(data, name)
    return int(struct.unpack_from(">I", header, 20 if header[0] else 12)[0])


def inside(data: bytes, *names: bytes) -> bytes:
    """Return the content of the box at the end of a path of names."""
    for name in names:
        at = 0
        while data[at + 4 : at + 8] != name:
            size = int.from_bytes(data[at : at + 4], "big")
            if size < 8:
                raise ValueError(f"no box {name!r}")
            at += size
        data = data[at + 8 : at + int.from_bytes(data[at : at + 4], "big")]
    return data
