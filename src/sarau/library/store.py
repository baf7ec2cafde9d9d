"""What the rest of Sarau asks of the place where objects are kept."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sarau.storage import VolumeStatus


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """The name and the size of bytes that are stored, whole and hash-checked."""

    sha256: str
    """Lower-case hexadecimal."""
    size_bytes: int


class ObjectStore(Protocol):
    """Write-once bytes named by their SHA-256.

    `put` and `adopt` return only when the object would survive a power cut. Every
    method may raise FailedError `disk_full`, `disk_error` or `volume_missing`, and
    `library_unavailable` or `library_denied` where objects are across a network.
    """

    def put(self, path: Path, expected_sha256: str | None = None) -> ObjectRef:
        """Copy a file of another volume in, hashing what is read.

        Raises:
            FailedError: `source_damaged` when the bytes cannot be read or do not have
                `expected_sha256`.

        """

    def adopt(self, path: Path) -> ObjectRef:
        """Make a finished file of the work directory an object; `path` is gone afterwards."""

    def local(self, sha256: str) -> AbstractContextManager[Path]:
        """Return a local file with the object's bytes, which stays until the block is left.

        Raises:
            FailedError: `object_missing`, on entry.

        """

    def is_near(self, sha256: str) -> bool:
        """Tell whether `local` would have nothing to fetch from far away."""

    def require(self, sha256: str) -> None:
        """Return when the object is there, without reading it.

        Raises:
            FailedError: `object_missing`.

        """

    def download_url(self, sha256: str, *, disposition: str, media_type: str) -> str | None:
        """Return an address where anybody may read an object for a time, None where there is none.

        Args:
            sha256: The object's.
            disposition: The answer's `Content-Disposition`.
            media_type: The answer's `Content-Type`.

        """

    def check(self) -> VolumeStatus:
        """Look whether objects can be kept just now."""

    def verify(self, sha256: str) -> bool:
        """Tell whether an object's bytes still have its name, by reading if need be.

        Raises:
            FailedError: `object_missing`.

        """

    def remove(self, sha256: str) -> None:
        """Remove an object; that it is gone already is fine."""

    def make_work_dir(self, name: str) -> Path:
        """Return a new empty directory on the same volume, made anew if it existed."""

    def remove_work_dir(self, name: str) -> None:
        """Remove a work directory with what is in it."""

    def work_dirs(self) -> list[str]:
        """Return the names of all work directories, also those a crash left behind."""
