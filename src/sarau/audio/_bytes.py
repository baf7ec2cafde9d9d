# ruff: noqa: PLR2004 - the figures are those of the file format
"""Reading a file by offset through its descriptor, without moving it."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ByteSource:
    """A file that is open, and its size."""

    fd: int
    size: int

    @classmethod
    def of(cls, fd: int) -> "ByteSource":
        """Wrap an open descriptor."""
        return cls(fd, os.fstat(fd).st_size)

    def read(self, offset: int, count: int) -> bytes:
        """Return up to `count` bytes at `offset`, fewer only at the end of the file."""
        parts = []
        if offset >= self.size:
            return b""  # The kernel takes no offset of 64 bits, as some headers name.
        while count > 0 and (part := os.pread(self.fd, count, offset)):
            parts.append(part)
            offset += len(part)
            count -= len(part)
        return b"".join(parts)


def skip_id3v2(source: ByteSource, offset: int = 0, limit: int = 16) -> int:
    """Return the offset after the ID3v2 tags at `offset`; at most `limit` of them."""
    for _ in range(limit):
        head = source.read(offset, 10)
        if len(head) < 10 or head[:3] != b"ID3" or any(byte & 0x80 for byte in head[6:10]):
            break
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        footer = 10 if head[5] & 0x10 else 0
        offset += 10 + size + footer
    return offset
