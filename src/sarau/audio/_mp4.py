# ruff: noqa: PLR2004 - the figures are those of the file format
"""The outermost boxes of an MP4 file (ISO/IEC 14496-12), and whether all are there."""

import struct
from typing import Final

from sarau.audio._bytes import ByteSource
from sarau.audio._damage import Claims
from sarau.errors import RejectedCode, RejectedError

_MAX_BOXES: Final = 200_000
_NEEDED: Final = {b"moov", b"mdat", b"moof"}


def read_claims(source: ByteSource) -> Claims:
    """Walk the outermost boxes.

    Raises:
        RejectedError: `truncated`, when a box is cut or the index is missing.

    """
    offset, seen = 0, set()
    for _ in range(_MAX_BOXES):
        head = source.read(offset, 16)
        if len(head) < 8 or not _is_name(head[4:8]):
            break
        size, name = struct.unpack(">I4s", head[:8])
        if size == 1 and len(head) == 16:
            size = struct.unpack(">Q", head[8:])[0]
        elif size == 0:
            size = source.size - offset
        if size < 8:
            break
        if name in _NEEDED and offset + size > source.size:
            missing = offset + size - source.size
            raise RejectedError(RejectedCode.TRUNCATED, f"{name!r} lacks {missing} bytes")
        seen.add(name)
        offset += size
    if b"moov" not in seen:
        raise RejectedError(RejectedCode.TRUNCATED, "the MP4 file has no index (moov)")
    return Claims(fragmented=b"moof" in seen)


def _is_name(name: bytes) -> bool:
    return all(0x20 <= byte < 0x7F or byte == 0xA9 for byte in name)
