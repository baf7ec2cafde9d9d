# ruff: noqa: PLR2004 - the figures are those of the file format
"""MPEG audio frames: where they are, and how many the Xing header promised."""

import struct
from dataclasses import dataclass
from functools import cache
from typing import Final

from sarau.audio._bytes import ByteSource, Worked, skip_id3v2
from sarau.audio._damage import START_S, Claims
from sarau.errors import RejectedCode, RejectedError

_BLOCK_BYTES: Final = 1 << 20
_CHAIN: Final = 3
"""Frames that must follow each other before they are believed."""
_MAX_SEARCH_BYTES: Final = 8 << 20

_V1_L1 = (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448)
_V1_L2 = (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)
_V1_L3 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_V2_L1 = (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256)
_V2_L23 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES: Final = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


@dataclass(frozen=True, slots=True)
class Frame:
    """What a frame header says."""

    size_bytes: int
    samples: int
    sample_rate_hz: int
    kind: int
    """Version, layer and rate, which do not change within a stream."""
    side_bytes: int
    """From the start of the frame to where a Xing header would be."""


@cache
def parse_header(key: int) -> Frame | None:
    """Read a frame header from its second to fourth byte; None when it is none."""
    version, layer = key >> 19 & 3, key >> 17 & 3
    bitrate_index, rate_index, padding = key >> 12 & 15, key >> 10 & 3, key >> 9 & 1
    if key >> 21 != 7 or version == 1 or layer == 0 or rate_index == 3:
        return None
    if bitrate_index in {0, 15}:
        return None
    rate = _RATES[version][rate_index]
    first = version == 3
    if layer == 3:
        kbps = (_V1_L1 if first else _V2_L1)[bitrate_index]
        size, samples = (12 * kbps * 1000 // rate + padding) * 4, 384
    else:
        table = (_V1_L2 if layer == 2 else _V1_L3) if first else _V2_L23
        samples = 1152 if first or layer == 2 else 576
        size = samples // 8 * table[bitrate_index] * 1000 // rate + padding
    mono = key >> 6 & 3 == 3
    side = (17 if mono else 32) if first else (9 if mono else 17)
    return Frame(size, samples, rate, key & 0x1E0C00, 4 + side)


class _Walker:
    """Steps from frame to frame through a buffer over the file."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._block = b""
        self._base = 0

    def _at(self, offset: int, count: int) -> int:
        if not (self._base <= offset and offset + count <= self._base + len(self._block)):
            self._block, self._base = self._source.read(offset, _BLOCK_BYTES), offset
        return offset - self._base

    def frame(self, offset: int) -> Frame | None:
        """Return the frame at `offset`, None when there is none."""
        at = self._at(offset, 4)
        block = self._block
        if len(block) < at + 4 or block[at] != 0xFF:
            return None
        return parse_header(block[at + 1] << 16 | block[at + 2] << 8 | block[at + 3] & 0xC0)

    def is_chain(self, offset: int) -> bool:
        """Tell whether frames of one kind follow each other from `offset` on."""
        kind = None
        for _ in range(_CHAIN):
            frame = self.frame(offset)
            if frame is None or kind not in {None, frame.kind}:
                return kind is not None and offset == self._source.size
            kind = frame.kind
            offset += frame.size_bytes
        return True

    def find(self, offset: int) -> int | None:
        """Return where the next chain of frames begins."""
        end = min(self._source.size, offset + _MAX_SEARCH_BYTES)
        while offset < end:
            at = self._at(offset, 4)
            hit = self._block.find(b"\xff", at)
            if hit < 0:
                offset = self._base + len(self._block)
                continue
            offset = self._base + hit
            if self.frame(offset) is not None and self.is_chain(offset):
                return offset
            offset += 1
        return None


def read_claims(source: ByteSource) -> Claims:
    """Walk all frames.

    Raises:
        RejectedError: `not_audio` without any chain of frames, `corrupt` when sync is
            lost after the first second.

    """
    walker = _Walker(source)
    begin = skip_id3v2(source)
    offset = walker.find(begin)
    if offset is None:
        raise RejectedError(RejectedCode.NOT_AUDIO, "no MPEG frames follow each other")
    warnings = ["damaged_start"] if offset > begin else []
    promised = _xing_frames(source, walker, offset)
    first = walker.frame(offset)
    seconds, seams_s = 0.0, []
    while True:
        offset, lasted_s = _walk(walker, offset, source.worked)
        seconds += lasted_s
        gap = offset
        offset = skip_id3v2(source, offset)
        resumed = walker.find(offset) if offset < source.size else None
        if resumed is None:
            break
        if resumed > offset:
            if seconds >= START_S:
                raise RejectedError(
                    RejectedCode.CORRUPT, f"{resumed - offset} bytes of no frame at {seconds:.1f} s"
                )
            warnings.append("damaged_start")
        elif offset > gap:
            warnings.append("joined_files")
            seams_s.append(seconds)
        offset = resumed
    samples = promised * first.samples if promised and first else None
    return Claims(samples=samples, seams_s=tuple(seams_s), warnings=tuple(warnings))


def _walk(walker: _Walker, offset: int, worked: Worked) -> tuple[int, float]:
    """Follow frames; return where they stop and how long they last."""
    seconds = 0.0
    while (frame := walker.frame(offset)) is not None:
        offset += frame.size_bytes
        seconds += frame.samples / frame.sample_rate_hz
        worked()
    return offset, seconds


def _xing_frames(source: ByteSource, walker: _Walker, offset: int) -> int | None:
    """Return the number of frames in the Xing, Info or VBRI header."""
    frame = walker.frame(offset)
    if frame is None:
        return None
    head = source.read(offset, max(64, frame.size_bytes))
    xing = head[frame.side_bytes : frame.side_bytes + 12]
    if xing[:4] in {b"Xing", b"Info"} and len(xing) == 12:
        flags, frames = struct.unpack(">II", xing[4:])
        return frames if flags & 1 else None
    if head[36:40] == b"VBRI" and len(head) >= 54:
        return int(struct.unpack(">I", head[50:54])[0])
    return None
