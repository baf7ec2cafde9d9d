"""A volume: a directory that carries a sentinel saying which disk it is.

Without the sentinel an unmounted disk looks like an empty one, and uploads would
land on the disk below the mount point.
"""

import json
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sarau.errors import FailedCode, FailedError, RefusedCode, RefusedError
from sarau.model.ids import is_id, new_id
from sarau.storage import durable

SENTINEL = ".sarau-volume"
Sentinel = Literal["own", "missing", "foreign", "unreadable"]
"""`missing` is what a disk looks like that is not mounted; `foreign` is another disk."""
OnSyncError = Callable[[str], None]
"""Told, once, what was wrong with a sync, or with a write."""
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
    sentinel: Sentinel | None = None
    """None for what is no volume: a bucket."""
    mount_point: str | None = None
    """Of the file system it is on."""


class Volume:
    """One mounted disk of ours. Thread-safe."""

    def __init__(self, root: Path, role: str, volume_id: str, *, reserve_bytes: int) -> None:
        self.root = root
        self.role = role
        self.id = volume_id
        self.reserve_bytes = reserve_bytes
        self._lock = threading.Lock()
        self._suspect: str | None = None
        self.on_sync_error: OnSyncError = _ignore
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
            if expected_id is not None or not is_blank(root):
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
        return look(
            self.root, self.role, self.id, reserve_bytes=self.reserve_bytes, suspect=self._suspect
        )

    @property
    def suspect(self) -> str | None:
        """Return why nothing is written here any more; None when every write and sync was good."""
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

    def require_own(self) -> None:
        """Refuse to believe that something is missing here while another disk, or none, is mounted.

        Unlike `require` it looks each time, and a disk that is full or suspect is our own.

        Raises:
            FailedError: `volume_missing`, `volume_mismatch`, `disk_error`.

        """
        status = self.check()
        if status.sentinel != "own":
            raise FailedError(status.code or FailedCode.VOLUME_MISSING, status.detail or "")

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

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Mark the volume suspect when what the block writes here may be lost.

        It may read from other volumes, but write to this one only.
        """
        try:
            yield
        except durable.LostWriteError as error:
            self.mark_suspect(error)
            raise

    def mark_suspect(self, error: BaseException) -> None:
        """Remember that writing failed: no more is written until a restart has looked at it."""
        with self._lock:
            self._found_well_at = -math.inf
            is_first = self._suspect is None
            self._suspect = self._suspect or f"writing to {self.root} failed: {error}"
        if is_first:
            self.on_sync_error(str(error))


def look(
    root: Path,
    role: str,
    expected_id: str | None,
    *,
    reserve_bytes: int,
    suspect: str | None = None,
) -> VolumeStatus:
    """Look whether a volume is mounted, ours, writable and not full; make nothing.

    Args:
        root: Where it should be.
        role: As what it serves.
        expected_id: The id that the catalog knows; None: any volume of that role will do.
        reserve_bytes: Free space that stays free.
        suspect: Why it is not written to any more.

    """
    mount_point = _mount_point(root)
    try:
        mounted = _read_sentinel(root)
        found = os.statvfs(root if root.exists() else mount_point)
    except (OSError, FailedError) as error:
        code = error.code if isinstance(error, FailedError) else FailedCode.DISK_ERROR
        return VolumeStatus(
            ok=False,
            free_bytes=0,
            free_inodes=0,
            code=code,
            detail=str(error),
            sentinel="unreadable",
            mount_point=mount_point,
        )
    free_bytes = found.f_bavail * found.f_frsize
    free_inodes = found.f_favail if found.f_files else None
    sentinel = _judge_sentinel(mounted, role, expected_id)
    wrong: tuple[FailedCode, str] | None = None
    if sentinel == "missing":
        wrong = FailedCode.VOLUME_MISSING, f"{root} has no {SENTINEL}: is it mounted?"
    elif sentinel == "foreign":
        wrong = FailedCode.VOLUME_MISMATCH, f"{root} is {mounted}, not {role} {expected_id}"
    elif suspect is not None:
        wrong = FailedCode.DISK_ERROR, suspect
    elif found.f_flag & os.ST_RDONLY:
        wrong = FailedCode.DISK_ERROR, f"{root} is mounted read-only"
    elif free_bytes < reserve_bytes or free_inodes == 0:
        wrong = FailedCode.DISK_FULL, f"{free_bytes} bytes and {free_inodes} inodes are free"
    return VolumeStatus(
        ok=wrong is None,
        free_bytes=free_bytes,
        free_inodes=free_inodes,
        code=wrong[0] if wrong else None,
        detail=wrong[1] if wrong else None,
        sentinel=sentinel,
        mount_point=mount_point,
    )


def _judge_sentinel(
    mounted: tuple[str, str] | None, role: str, expected_id: str | None
) -> Sentinel:
    if mounted is None:
        return "missing"
    is_ours = mounted[0] == role and expected_id in {None, mounted[1]}
    return "own" if is_ours else "foreign"


def _mount_point(root: Path) -> str:
    place = root.absolute()
    while not os.path.ismount(place):
        place = place.parent
    return str(place)


def _ignore(_error: str) -> None:
    """Tell nobody."""


def is_mounted(root: Path, volume_id: str) -> bool:
    """Tell whether a directory is a certain volume."""
    found = _read_sentinel(root)
    return found is not None and found[1] == volume_id


def is_blank(root: Path) -> bool:
    """Tell whether a volume would be made of a directory: it is missing or empty."""
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
