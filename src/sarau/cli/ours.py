"""What of a folder is ours: files that a receipt names, with as many bytes.

What is to be replaced must hold the very same bytes. Of an HLS set that is each of its files; what
others put beside them is theirs.
"""

import hashlib
import os
from collections.abc import Collection, Mapping
from pathlib import Path

Names = Mapping[str, Collection[int]]
"""What was put into a folder, with the bytes that it may have; `a.hls/index.m3u8` is of a set."""
Hashes = Mapping[str, Collection[str]]
"""The SHA-256 that those files may have."""


def files_of(folder: Path, names: Names) -> dict[Path, Collection[int]]:
    """Return the files of an HLS set and how many bytes each may have; there may be fewer.

    A receipt of an older version knows only how many bytes all of them have.

    Raises:
        OSError: the folder cannot be read.

    """
    begin = f"{folder.name}/"
    known = {name: sizes for name, sizes in names.items() if name.startswith(begin)}
    if known:
        return {folder / name.removeprefix(begin): sizes for name, sizes in known.items()}
    there = {each: each.stat().st_size for each in folder.iterdir()}
    is_whole = sum(there.values()) in names.get(folder.name, ())
    return {each: [size] for each, size in there.items()} if is_whole else {}


def size(path: Path, names: Names) -> int | None:
    """Return the bytes of a file, or of an HLS set in its folder; None without it."""
    try:
        if not path.is_dir():
            return path.stat().st_size
        found = ((_size(each), sizes) for each, sizes in files_of(path, names).items())
        return sum(size for size, sizes in found if size is not None and size in sizes)
    except OSError:
        return None


def stranger(path: Path, names: Names, sha256s: Hashes) -> Path | None:
    """Return what is not ours in the place of a rendition, and would be lost; None if nothing is.

    A file without a byte, as a disk may leave it that lost its power, is nobody's loss. Tags are
    often written where there was room for them: such a file is as long as before.

    Raises:
        OSError: one cannot look there.

    """
    if not path.is_dir():
        is_free = _may_go(path, names.get(path.name, ()), sha256s.get(path.name, ()))
        return None if is_free else path
    files = files_of(path, names)
    if not files:
        return path
    for each, sizes in files.items():
        if not _may_go(each, sizes, sha256s.get(f"{path.name}/{each.name}", ())):
            return each
    return None


def sha256_of(path: Path) -> str:
    """Return what is in a file, as a number that no other file has."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _may_go(path: Path, sizes: Collection[int], sha256s: Collection[str]) -> bool:
    size = _size(path)
    if not size:
        return size == 0 or not os.path.lexists(path)
    return size in sizes and (not sha256s or sha256_of(path) in sha256s)


def _size(path: Path) -> int | None:
    """Return the bytes of a file; None without it, and where a link leads nowhere."""
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return None
