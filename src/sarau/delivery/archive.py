"""A zip made while it is sent: no temporary file, no copy in memory."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

_CHUNK_BYTES = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can hold: the same files always give the same archive."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file and its name in the archive."""

    local: AbstractContextManager[Path]
    """Gives the file, which is held only while it is its turn."""
    name: str


class _Sink(io.RawIOBase):
    """What zipfile writes to; it cannot seek, and is emptied between writes."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self._parts.append(bytes(memoryview(data)))  # type: ignore[arg-type] # any buffer
        return len(self._parts[-1])

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def write_archive(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Yield the bytes of an archive that stores (audio is compressed already) each entry."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for entry in entries:
            header = zipfile.ZipInfo(entry.name, _EPOCH)
            with (
                entry.local as path,
                path.open("rb") as source,
                archive.open(header, "w", force_zip64=True) as target,
            ):
                while chunk := source.read(_CHUNK_BYTES):
                    target.write(chunk)
                    yield sink.take()
    yield sink.take()
