"""Disks in memory, offered by FUSE as files, with a log of every write and flush.

Usage: disk.py MOUNTPOINT LOG IMAGE... Besides `disk0`, `disk1` and so on there is a file
`mark`: what clients write there says which acknowledgements they have been given.
"""

import errno
import stat
import sys
from pathlib import Path
from typing import Any

import mfusepy

sys.path.insert(0, str(Path(__file__).parent))
from records import RECORD


class Disks(mfusepy.Operations):
    use_ns = True

    def __init__(self, images: list[str], log: str) -> None:
        self.images = {
            f"/disk{number}": bytearray(Path(image).read_bytes())
            for number, image in enumerate(images)
        }
        self.log = Path(log).open("wb", buffering=1 << 20)  # noqa: SIM115 - closed by destroy

    def record(self, kind: bytes, disk: int, offset: int, data: bytes = b"") -> None:
        self.log.write(RECORD.pack(kind, disk, offset, len(data)) + data)

    def getattr(self, path: str, _fh: Any = None) -> dict[str, int]:
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
        if path == "/mark":
            return {"st_mode": stat.S_IFREG | 0o666, "st_nlink": 1, "st_size": 0}
        if path in self.images:
            size = len(self.images[path])
            return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": size}
        raise mfusepy.FuseOSError(errno.ENOENT)

    def readdir(self, _path: str, _fh: Any) -> list[str]:
        return [".", "..", "mark", *(name[1:] for name in self.images)]

    def open(self, _path: str, _flags: int) -> int:
        return 1

    def read(self, path: str, size: int, offset: int, _fh: Any) -> bytes:
        return bytes(self.images[path][offset : offset + size])

    def write(self, path: str, data: bytes, offset: int, _fh: Any) -> int:
        if path == "/mark":
            self.record(b"m", 0, 0, bytes(data))
        else:
            self.images[path][offset : offset + len(data)] = data
            self.record(b"w", int(path[-1]), offset, bytes(data))
        return len(data)

    def truncate(self, _path: str, _length: int, _fh: Any = None) -> int:
        return 0

    def fsync(self, path: str, _datasync: Any, _fh: Any) -> int:
        if path in self.images:
            self.record(b"f", int(path[-1]), 0)
        return 0

    def destroy(self, _path: str) -> None:
        self.log.close()


if __name__ == "__main__":
    mount, log, *images = sys.argv[1:]
    mfusepy.FUSE(Disks(images, log), mount, foreground=True, nothreads=True)
