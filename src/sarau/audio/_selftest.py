# ruff: noqa: PTH101, PTH208, PTH211, S103, S606 - attacks, made with the bare system calls
"""Things that a locked child must not be able to do, tried for real.

`sarau doctor` runs them, so that the level of the sandbox is observed and not assumed.
Everything is harmless where it succeeds.
"""

import ctypes
import mmap
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sarau.audio._reporter import Reporter

_PTRACE_ATTACH = 16
_SLACK_BYTES = 64 << 20


def run(job: dict[str, Any], inputs: list[int], reporter: Reporter) -> dict[str, bool]:
    """Try each forbidden thing; True says that it was stopped."""
    del inputs, reporter
    big = int(job["limits"]["max_memory_bytes"])
    attacks = _paths() | _processes() | _network()
    attacks["allocate more than the limit"] = lambda: bytearray(big + _SLACK_BYTES)
    attacks["executable memory"] = _map_executable
    attacks["raise its own limits"] = _raise_limits
    return {name: _is_stopped(attack) for name, attack in attacks.items()}


def _is_stopped(attack: Callable[[], object]) -> bool:
    try:
        attack()
    except (OSError, MemoryError, ValueError):
        return True
    return False


def _paths() -> dict[str, Callable[[], object]]:
    return {
        "read a file": lambda: Path("/etc/passwd").read_bytes(),
        "list a directory": lambda: os.listdir("/"),
        "write outside": lambda: Path("/tmp/sarau-selftest").write_bytes(b""),  # noqa: S108
        "write in the parent directory": lambda: Path("../sarau-selftest").write_bytes(b""),
        "read the environment of a process": lambda: Path("/proc/1/environ").read_bytes(),
        "read its own memory map": lambda: Path("/proc/self/maps").read_bytes(),
        "make a symbolic link": lambda: os.symlink("/etc/passwd", "link"),
        "make a hard link": lambda: os.link("/etc/passwd", "hard"),
        "change permissions": lambda: os.chmod(".", 0o777),
        "make a device": lambda: os.mkfifo("fifo"),
        "mount": lambda: _call("mount", b"none", b"/mnt", b"tmpfs", 0, None),
        "change root": lambda: os.chroot("."),
    }


def _processes() -> dict[str, Callable[[], object]]:
    return {
        "fork": _fork,
        "run a program": lambda: os.execv("/bin/true", ["true"]),
        "signal the parent": lambda: os.kill(os.getppid(), 0),
        "signal everybody": lambda: os.kill(-1, 0),
        "trace the parent": lambda: _call("ptrace", _PTRACE_ATTACH, os.getppid(), None, None),
        "open a pidfd": lambda: os.pidfd_open(os.getppid()),
        "read another process": lambda: _call(
            "process_vm_readv", os.getppid(), None, 0, None, 0, 0
        ),
        "become somebody else": lambda: os.setuid(65534),
        "send itself a core": lambda: os.kill(os.getpid(), signal.SIGCONT),
    }


def _network() -> dict[str, Callable[[], object]]:
    return {
        "tcp socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).close(),
        "udp socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close(),
        "unix socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close(),
        "netlink socket": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
        "connect": lambda: socket.create_connection(("127.0.0.1", 9), 0.1),
    }


def _fork() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)


def _map_executable() -> None:
    mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def _raise_limits() -> None:
    import resource  # noqa: PLC0415 - already loaded by the sandbox

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard * 2, hard * 2))
