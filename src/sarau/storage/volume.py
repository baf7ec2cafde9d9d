"""A volume: a directory that carries a sentinel saying which disk it is.

Without the sentinel an unmounted disk looks like an empty one, and uploads would
land on the disk below the mount point.
"""

import json
import math
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from sarau.errors import FailedCode, FailedError, RefusedCode, RefusedError
from sarau.model.ids import is_id, new_id
from sarau.storage import durable

SENTINEL = ".sarau-volume"
_LOOK_AGAIN_S = 0.5
_MADE_BY_SYSTEM = frozenset({"lost+found"})


@dataclass(frozen=True, slots=True)
class VolumeStatus:
    """Whether a volume may be written to, and how much fits."""

    ok: bool
    free_bytes: int
    free_inodes: int | None
    """None on file systems that do not count them."""
    code: FailedCode | None
    detail: str | None


class Volume:
    """One mounted disk of ours. Thread-safe."""

    def __init__(self, root: Path, role: str, volume_id: str, *, reserve_bytes: int) -> None:
        self.root = root
        self.role = role
        self.id = volume_id
        self.reserve_bytes = reserve_bytes
        self._lock = threading.Lock()
        self._suspect: str | None = None
        self._found_well_at = -math.inf

    @classmethod
    def open(
        cls, root: Path, role: str, *, reserve_bytes: int, expected_id: str | None = None
    ) -> "Volume":
        """Open the volume at `root`, or make one of a missing or empty directory.

        Args:
            root: Where it is mounted.
            role: `intake` or `library`; a volume never serves as the other.
            reserve_bytes: Free space that stays free.
            expected_id: The id that the catalog knows; then nothing is ever made anew.

        Raises:
            FailedError: `volume_missing` when the sentinel is not there (not mounted),
                `volume_mismatch` when it is another volume's, `disk_error`.

        """
        root = root.absolute()
        found = _read_sentinel(root)
        if found is None:
            if expected_id is not None or not _is_blank(root):
                raise FailedError(
                    FailedCode.VOLUME_MISSING, f"{root} has no {SENTINEL}: is it mounted?"
                )
            found = _make_sentinel(root, role)
        if found[0] != role or expected_id not in {None, found[1]}:
            wanted = f"{role} {expected_id}" if expected_id else role
            raise FailedError(
                FailedCode.VOLUME_MISMATCH, f"{root} is {found[0]} {found[1]}, not {wanted}"
            )
        return cls(root, role, found[1], reserve_bytes=reserve_bytes)

    def path(self, *parts: str) -> Path:
        """Return the path of something on this volume."""
        return self.root.joinpath(*parts)

    def free_bytes(self) -> int:
        """Return what unprivileged writers can still write, the reserve included."""
        with durable.translated():
            found = os.statvfs(self.root)
        return found.f_bavail * found.f_frsize

    def check(self) -> VolumeStatus:
        """Look whether the volume is mounted, ours, writable, not suspect and not full."""
        try:
            mounted = _read_sentinel(self.root)
            found = os.statvfs(self.root)
        except (OSError, FailedError) as error:
            return VolumeStatus(
                ok=False, free_bytes=0, free_inodes=0, code=FailedCode.DISK_ERROR, detail=str(error)
            )
        free_bytes = found.f_bavail * found.f_frsize
        free_inodes = found.f_favail if found.f_files else None
        code, detail = self._judge(mounted, found, free_bytes, free_inodes)
        return VolumeStatus(
            ok=code is None,
            free_bytes=free_bytes,
            free_inodes=free_inodes,
            code=code,
            detail=detail,
        )

    def _judge(
        self,
        mounted: tuple[str, str] | None,
        found: os.statvfs_result,
        free_bytes: int,
        free_inodes: int | None,
    ) -> tuple[FailedCode | None, str | None]:
        if mounted is None:
            return FailedCode.VOLUME_MISSING, f"{self.root} has no {SENTINEL}: is it mounted?"
        if mounted != (self.role, self.id):
            return FailedCode.VOLUME_MISMATCH, f"{self.root} is {mounted}, not {self.id}"
        if self._suspect is not None:
            return FailedCode.DISK_ERROR, self._suspect
        if found.f_flag & os.ST_RDONLY:
            return FailedCode.DISK_ERROR, f"{self.root} is mounted read-only"
        if free_bytes < self.reserve_bytes or free_inodes == 0:
            return FailedCode.DISK_FULL, f"{free_bytes} bytes and {free_inodes} inodes are free"
        return None, None

    @property
    def suspect(self) -> str | None:
        """Return why nothing is written here any more; None when every sync was good."""
        return self._suspect

    def require(self) -> None:
        """Refuse to write where the volume is not mounted, not ours, read-only or suspect.

        Raises:
            FailedError: With the code of `check`. A full volume passes: see `check_room`.

        """
        if time.monotonic() - self._found_well_at < _LOOK_AGAIN_S:
            return
        status = self.check()
        if status.code is not None and status.code is not FailedCode.DISK_FULL:
            raise FailedError(status.code, status.detail or "")
        self._found_well_at = time.monotonic()

    def check_room(self, size_bytes: int) -> None:
        """Refuse what would leave less than the reserve free.

        Raises:
            RefusedError: `out_of_space`.

        """
        status = os.statvfs(self.root)
        free = status.f_bavail * status.f_frsize
        if free - size_bytes < self.reserve_bytes or (status.f_files and not status.f_favail):
            raise RefusedError(
                RefusedCode.OUT_OF_SPACE,
                f"{size_bytes} bytes asked for, {free} free, {self.reserve_bytes} kept in reserve",
            )

    def mark_suspect(self, error: BaseException) -> None:
        """Remember that a sync failed: nothing is written here until a restart has looked at it."""
        with self._lock:
            self._found_well_at = -math.inf
            self._suspect = self._suspect or f"a sync on {self.root} failed: {error}"


def is_mounted(root: Path, volume_id: str) -> bool:
    """Tell whether a directory is a certain volume."""
    found = _read_sentinel(root)
    return found is not None and found[1] == volume_id


def _is_blank(root: Path) -> bool:
    with durable.translated():
        return not root.exists() or {entry.name for entry in root.iterdir()} <= _MADE_BY_SYSTEM


def _read_sentinel(root: Path) -> tuple[str, str] | None:
    path = root / SENTINEL
    try:
        found = json.loads(path.read_text())
        role, volume_id = str(found["role"]), str(found["id"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise durable.failure(error) from error
    except (ValueError, KeyError, TypeError) as error:
        raise FailedError(FailedCode.VOLUME_MISMATCH, f"{path} cannot be read: {error}") from error
    if not is_id(volume_id):
        raise FailedError(FailedCode.VOLUME_MISMATCH, f"{path} holds no volume id")
    return role, volume_id


def _make_sentinel(root: Path, role: str) -> tuple[str, str]:
    durable.make_dirs(root)
    draft = root / f"{SENTINEL}.{new_id()}"
    fd = durable.create(draft)
    try:
        durable.write_all(fd, json.dumps({"role": role, "id": new_id()}).encode())
        durable.sync(fd)
    finally:
        os.close(fd)
    # Two processes may start at once: the first link wins and both read it.
    durable.link(draft, root / SENTINEL)
    durable.unlink(draft)
    made = _read_sentinel(root)
    if made is None:
        raise FailedError(FailedCode.VOLUME_MISSING, f"{root} lost its {SENTINEL}")
    return made
