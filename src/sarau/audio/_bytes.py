# ruff: noqa: PLR2004 - the figures are those of the file format
"""Reading a file by offset through its descriptor; telling how far a file has been worked off."""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

Worked = Callable[[], None]
"""Called after each part of what takes long, as progress whose share of the whole nobody knows."""
_BUFFER_BYTES: Final = 1 << 16


def unwatched() -> None:
    """Stand in for a callback."""


@dataclass(frozen=True, slots=True)
class ByteSource:
    """A file that is open, and its size."""

    fd: int
    size: int
    worked: Worked = unwatched
    """To be called by whoever walks through all of it."""

    @classmethod
    def of(cls, fd: int, worked: Worked = unwatched) -> "ByteSource":
        """Wrap an open descriptor."""
        return cls(fd, os.fstat(fd).st_size, worked)

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


def watched(file: Path | int, worked: Worked, mode: str = "r+b") -> BinaryIO:
    """Open a file that a library works through without telling how far it is.

    What is written, and what is read for the first time, counts: not to read the same for ever.
    """
    raw = _Watched(file, mode, worked)
    kind = io.BufferedRandom if raw.writable() else io.BufferedReader
    return kind(raw, _BUFFER_BYTES)


class _Watched(io.FileIO):
    def __init__(self, file: Path | int, mode: str, worked: Worked) -> None:
        super().__init__(file, mode)
        self._worked = worked
        self._read_to = 0

    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        count = super().readinto(buffer)
        if self.tell() > self._read_to:
            self._read_to = self.tell()
            self._worked()
        return count

    def write(self, data: "ReadableBuffer", /) -> int:
        self._worked()
        return super().write(data)
