"""Objects that lie on the local disk for now, bounded in bytes.

Any number of processes share one cache. Who reads a file holds a shared lock on the
very file, which the kernel lets go of when the process dies; what is removed is the
file that was not used for longest and that nobody holds. A file gets its name only
after its bytes were hashed and synced, so what is found under a name is right.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sarau.errors import FailedCode, FailedError
from sarau.library.store import ObjectRef
from sarau.library.work import closing, open_read_only, sync_read_only
from sarau.model.ids import new_id
from sarau.storage import Volume, durable

_DRAFTS = "drafts"
_KEPT = "kept"


class Cache:
    """Local copies of objects on one volume. Thread-safe.

    Args:
        volume: Where they lie; copies also go when it has no more than its reserve.
        max_bytes: What they may take; a file that is being read stays beyond it.

    """

    def __init__(self, volume: Volume, *, max_bytes: int) -> None:
        self._volume = volume
        self._max_bytes = max_bytes
        for name in (_DRAFTS, _KEPT):
            durable.make_dirs(volume.path(name))
        self._sweep()

    @contextmanager
    def hold(self, sha256: str, read: Callable[[], Iterable[bytes]]) -> Iterator[Path]:
        """Give a local file with an object's bytes, read in when it is not there.

        Raises:
            FailedError: `object_damaged` when what is read has another hash, `disk_full`,
                `disk_error`, and what `read` raises.

        """
        fd = self._take(sha256)
        if fd is None:
            fd = self._fill(sha256, read())
        with closing(fd):
            yield self._path(sha256)

    @contextmanager
    def draft(self) -> Iterator[tuple[Path, int]]:
        """Give a new file and its descriptor; it is gone at the end unless it was kept."""
        path = self._volume.path(_DRAFTS, new_id())
        with self._drafts(fcntl.LOCK_SH):
            # Whoever sweeps waits, so it never sees a draft that is not locked yet.
            draft = durable.create(path)
            fcntl.flock(draft, fcntl.LOCK_SH)
        with closing(draft) as fd:
            try:
                yield path, fd
            finally:
                path.unlink(missing_ok=True)

    def keep(self, path: Path, ref: ObjectRef) -> None:
        """Give a synced file of the volume the name of its object, when it fits at all."""
        if ref.size_bytes > self._max_bytes:
            return
        self._make_room(ref.size_bytes)
        # A copy is worth less than the room to work.
        if self.give_way(0):
            durable.link(path, self._path(ref.sha256))

    def give_way(self, size_bytes: int) -> bool:
        """Remove copies until `size_bytes` more leave the volume its reserve.

        Returns:
            Whether they do now; False when no more copies can go.

        """
        if self._short_bytes(size_bytes) <= 0:
            return True
        for path, _ in self._oldest_first():
            if _remove_unheld(path) and self._short_bytes(size_bytes) <= 0:
                return True
        return False

    def _short_bytes(self, size_bytes: int) -> int:
        return size_bytes + self._volume.reserve_bytes - self._volume.free_bytes()

    def has(self, sha256: str) -> bool:
        """Tell whether there is a copy just now."""
        return self._path(sha256).exists()

    def forget(self, sha256: str) -> None:
        """Remove a copy, unless somebody reads it: then it goes when room is needed."""
        _remove_unheld(self._path(sha256))

    def _path(self, sha256: str) -> Path:
        return self._volume.path(_KEPT, sha256)

    def _take(self, sha256: str) -> int | None:
        """Open a copy and lock it against removal; None when there is none."""
        path = self._path(sha256)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise durable.failure(error) from error
        fcntl.flock(fd, fcntl.LOCK_SH)
        if os.fstat(fd).st_nlink == 0:
            os.close(fd)  # it was removed between the two calls
            return None
        with suppress(OSError):  # the order of removal is no promise
            os.utime(fd)
        return fd

    def _fill(self, sha256: str, chunks: Iterable[bytes]) -> int:
        """Write, hash, sync and name a copy; return it open and locked."""
        self._volume.require()
        digest = hashlib.sha256()
        size_bytes = 0
        with self.draft() as (draft, fd):
            for chunk in chunks:
                digest.update(chunk)
                # Whether it is enough the disk will say: the reserve is there to be used.
                self.give_way(len(chunk))
                durable.write_all(fd, chunk)
                size_bytes += len(chunk)
            if digest.hexdigest() != sha256:
                raise FailedError(
                    FailedCode.OBJECT_DAMAGED, f"object {sha256} reads as {digest.hexdigest()}"
                )
            sync_read_only(fd)
            self._make_room(size_bytes)
            while True:
                # The draft is locked, so nobody removes it once it has its name.
                if durable.link(draft, self._path(sha256)):
                    return os.dup(fd)
                taken = self._take(sha256)
                if taken is not None:
                    return taken

    def _make_room(self, size_bytes: int) -> None:
        """Remove what was not used for longest until `size_bytes` more would fit."""
        found = self._oldest_first()
        total = sum(size for _, size in found) + size_bytes
        for path, size in found:
            if total <= self._max_bytes:
                return
            if _remove_unheld(path):
                total -= size

    def _oldest_first(self) -> list[tuple[Path, int]]:
        """Return the copies and their sizes, the one not used for longest first."""
        found = []
        with durable.translated():
            for entry in os.scandir(self._volume.path(_KEPT)):
                with suppress(FileNotFoundError):  # another process makes room too
                    found.append((entry.path, entry.stat()))
        found.sort(key=lambda one: one[1].st_mtime_ns)
        return [(Path(path), stat.st_size) for path, stat in found]

    def _sweep(self) -> None:
        """Remove drafts of processes that are gone."""
        with self._drafts(fcntl.LOCK_EX):
            for draft in self._volume.path(_DRAFTS).iterdir():
                _remove_unheld(draft)

    @contextmanager
    def _drafts(self, lock: int) -> Iterator[None]:
        with closing(open_read_only(self._volume.path(_DRAFTS))) as fd:
            fcntl.flock(fd, lock)
            yield


def _remove_unheld(path: Path) -> bool:
    """Remove a file that nobody has locked."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    with closing(fd):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        with suppress(FileNotFoundError):
            # The name may be another file's by now, which somebody may hold.
            if os.path.samestat(path.stat(), os.fstat(fd)):
                path.unlink()
    return True
