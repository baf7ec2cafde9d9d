"""An HLS set as one file: a zip that stores, and does not compress, its playlists and media.

So a set is one object with one checksum, a folder once it is unpacked, and each of its
files is a range of bytes that can be served as it lies there. Standard library only.
"""

import re
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

INDEX: Final = "index.m3u8"
"""The multivariant playlist: what a player is given."""
MEDIA_TYPES: Final = {
    "m3u8": "application/vnd.apple.mpegurl",
    "mp4": "audio/mp4",
}
_NAME: Final = re.compile(r"[a-z0-9_-]{1,40}\.(m3u8|mp4)")
_LOCAL_HEADER_BYTES: Final = 30
_MAX_FILES: Final = 64
_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a set and where its bytes lie in the zip."""

    name: str
    media_type: str
    offset: int
    size_bytes: int


def members(path: Path) -> dict[str, Member]:
    """Return the files of a set by their names.

    Raises:
        ValueError: when this is no such set.

    """
    found = {}
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            listed = archive.infolist()
            if len(listed) > _MAX_FILES:
                raise ValueError("too many files for an HLS set")
            for one in listed:
                named = _NAME.fullmatch(one.filename)
                if named is None or one.compress_type != zipfile.ZIP_STORED:
                    raise ValueError("no HLS set")
                file.seek(one.header_offset)
                head = file.read(_LOCAL_HEADER_BYTES)
                name_bytes, extra_bytes = struct.unpack_from("<HH", head, 26)
                start = one.header_offset + _LOCAL_HEADER_BYTES + name_bytes + extra_bytes
                media_type = MEDIA_TYPES[named[1]]
                found[one.filename] = Member(one.filename, media_type, start, one.file_size)
    except (zipfile.BadZipFile, struct.error) as error:
        raise ValueError(f"no HLS set: {error}") from error
    return found


def unpack(path: Path, folder: Path) -> int:
    """Write the files of a set into a new folder and return their size in bytes."""
    folder.mkdir()
    total = 0
    for member in members(path).values():
        with path.open("rb") as source, (folder / member.name).open("wb") as target:
            source.seek(member.offset)
            left = member.size_bytes
            while left and (chunk := source.read(min(left, _CHUNK_BYTES))):
                target.write(chunk)
                left -= len(chunk)
        total += member.size_bytes
    return total
