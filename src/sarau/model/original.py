"""An original: a file outside Sarau's volumes that is taken in from where it lies."""

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

_LOSSLESS = "aif aifc aiff ape au caf flac snd tta w64 wav wave wv"
_LOSSY = "aac m4a m4b mka mp2 mp3 mp4 oga ogg opus webm wma"
AUDIO_SUFFIXES = frozenset(f".{name}" for name in f"{_LOSSLESS} {_LOSSY}".split())
"""What is picked up inside a directory; a file that is named itself is tried whatever its name."""


def is_audio_name(name: str) -> bool:
    """Tell whether a file inside a directory is picked up by its name.

    Hidden ones are not: macOS puts `._song.wav` beside `song.wav` on other systems' disks,
    and rsync's `.name.XXXXXX` is half a file. What is sent otherwise is called `name.part`,
    `name.filepart`, `name.tmp` or `name~` before it is whole, which no audio is.
    """
    return not name.startswith(".") and name[name.rfind(".") :].lower() in AUDIO_SUFFIXES


class After(StrEnum):
    """What becomes of an original once its track has been dealt with."""

    KEEP = "keep"
    MOVE = "move"
    """To `done/` when its track is ready, to `rejected/` when the file is at fault."""
    DELETE = "delete"
    """When its track is ready; a rejected original is moved, as nothing else keeps its bytes."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which file it is, in which version: equal identities mean equal bytes."""

    inode: int
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    """Nobody can set this one: a reused inode with copied times is told apart by it."""
    device: int

    @classmethod
    def of(cls, found: os.stat_result) -> Self:
        """Return the identity in what `stat` found."""
        return cls(
            inode=_signed(found.st_ino),
            size_bytes=found.st_size,
            mtime_ns=_signed(found.st_mtime_ns),
            ctime_ns=_signed(found.st_ctime_ns),
            device=_signed(found.st_dev),
        )

    def is_like(self, other: "Identity") -> bool:
        """Tell whether only what a rename, a chmod or a restart changes is different."""
        return (self.inode, self.size_bytes, self.mtime_ns) == (
            other.inode,
            other.size_bytes,
            other.mtime_ns,
        )


def _signed(number: int) -> int:
    """Fold 64 unsigned bits into what a database calls an integer."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)
