"""Locking a child down, in the order that leaves no gap.

NO_NEW_PRIVS, then limits, then Landlock, then the system calls: each step needs
what the next takes away.
"""

import ctypes
import os
import resource
import signal
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sarau.audio import _landlock, _seccomp
from sarau.audio._types import SandboxLevel

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_MAX_OPEN_FILES: Final = 64
_CPU_GRACE_S: Final = 5
"""The soft limit is a signal that tells what happened; the hard one only kills."""
LIMITED_CLOCK: Final = -8
"""The CPU time of this process as `RLIMIT_CPU` is judged by (`CPUCLOCK_PROF`), in whole ticks.

`getrusage` scales it to what was really used, which strays from it by some per cent on a busy
machine: of minutes of work, more than a limit of seconds leaves.
"""
_CAPABILITY_VERSION_3: Final = 0x20080522


@dataclass(frozen=True, slots=True)
class Cage:
    """What a child may use."""

    directory: Path | None
    """The only path that exists for it; read and write."""
    memory_bytes: int
    """Address space beyond what is mapped now."""
    cpu_s: int
    idle_cpu_s: int
    file_bytes: int


def level_of(*, landlock: bool, seccomp: bool) -> SandboxLevel:
    """Name what is in force."""
    if landlock and seccomp:
        return SandboxLevel.FULL
    if seccomp:
        return SandboxLevel.SECCOMP
    return SandboxLevel.LANDLOCK if landlock else SandboxLevel.NONE


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when the one that forked it is gone."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(1)  # The parent died before the request above was made.


def mapped_bytes() -> int:
    """Return the address space this process takes now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


def lock_down(cage: Cage) -> SandboxLevel:
    """Give up everything but `cage`, for good. Returns what is in force."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return SandboxLevel.NONE
    address_space = mapped_bytes() + cage.memory_bytes
    for kind, soft, hard in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NOFILE, _MAX_OPEN_FILES, _MAX_OPEN_FILES),
        (resource.RLIMIT_FSIZE, cage.file_bytes, cage.file_bytes),
        (resource.RLIMIT_AS, address_space, address_space),
        (resource.RLIMIT_CPU, min(cage.idle_cpu_s, cage.cpu_s), cage.cpu_s + _CPU_GRACE_S),
    ):
        resource.setrlimit(kind, (soft, hard))
    _drop_capabilities(libc)
    landlock = _landlock.restrict(cage.directory)
    seccomp = _seccomp.restrict()
    return level_of(landlock=landlock, seccomp=seccomp)


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Make root nobody special: otherwise it could raise its own limits again."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    if libc.capset(header, bytes(24)) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def allow_more_cpu(idle_cpu_s: int) -> None:
    """Move the CPU limit on, as there has been progress; never past the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(time.clock_gettime(LIMITED_CLOCK)) + 1 + idle_cpu_s
    resource.setrlimit(resource.RLIMIT_CPU, (min(soft, hard - _CPU_GRACE_S), hard))
