"""Ogg Vorbis whose sound is all in one page, as that of short files and of silence is.

FFmpeg, and what plays by it, looks for the start of the sound in its first page unless that is the
last one, too (`oggparsevorbis.c`). Then it counts the first packet, of which no sound comes, and
ends the rest at the wrong sample. What is written here gives that packet a page of its own; what
others have written is decoded to the end that the page states.
"""

import struct
from pathlib import Path
from typing import Final

from sarau.audio import _ogg
from sarau.audio._bytes import ByteSource

_FLAGS_AT: Final = 5
_GOES_ON: Final = 255
"""As the size of a segment: the packet has more of them."""


def split_only_page(path: Path) -> None:
    """Have no file of Vorbis with its sound in one page; others stay as they are."""
    with path.open("r+b") as file:
        source, offset = ByteSource.of(file.fileno()), 0
        while page := _page(source, offset):
            if _ogg.ends_sound(page):
                if page[_FLAGS_AT] & _ogg.LAST:
                    file.seek(offset)
                    file.write(_split(page))
                return
            offset += len(page)


def _page(source: ByteSource, offset: int) -> bytes:
    block = source.read(offset, _ogg.MAX_PAGE_BYTES)
    return block[: _ogg.page_length(block) or 0]


def _split(page: bytes) -> bytes:
    """Return two pages, the first one with the first packet."""
    flags, end, serial, sequence = struct.unpack_from("<BQII", page, _FLAGS_AT)
    sound_at = _ogg.HEADER_BYTES + page[_ogg.HEADER_BYTES - 1]
    sizes, sound = page[_ogg.HEADER_BYTES : sound_at], page[sound_at:]
    count = 1 + next(index for index, size in enumerate(sizes) if size < _GOES_ON)
    middle = sum(sizes[:count])
    first = _ogg.new_page(flags & ~_ogg.LAST, 0, serial, sequence, sizes[:count], sound[:middle])
    return first + _ogg.new_page(flags, end, serial, sequence + 1, sizes[count:], sound[middle:])
