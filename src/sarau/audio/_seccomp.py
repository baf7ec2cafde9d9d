"""The allow-list of system calls, as a BPF program that the kernel runs.

Written out here, as twenty lines of BPF need no library that may be missing: the
child can compute, write to what is open and make threads. It cannot fork, run a
program, open a socket, signal anybody or make memory executable.
"""

import ctypes
import errno
import os
import struct
from functools import cache
from typing import Final

from sarau.audio._syscalls import ALLOWED, AUDIT_ARCH, CHECKED

_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JUMP_EQUAL: Final = 0x15
_JUMP_GREATER_EQUAL: Final = 0x35
_JUMP_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06

_ALLOW: Final = 0x7FFF0000
_KILL_PROCESS: Final = 0x80000000
_ERRNO: Final = 0x00050000

_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
_X32_BIT: Final = 0x40000000
_CLONE_THREAD: Final = 0x10000
_PROT_EXEC: Final = 4
_FCNTL_COMMANDS: Final = (0, 1, 2, 3, 1030)  # DUPFD, GETFD, SETFD, GETFL, DUPFD_CLOEXEC

_PR_SET_SECCOMP: Final = 22
_MODE_FILTER: Final = 2

_Code = list[tuple[int, int, int, int]]


@cache
def program() -> bytes | None:
    """Return the filter of this machine, None where its system calls are not known here.

    The zygote asks for it once, so that no child has to build it.
    """
    machine = os.uname().machine
    return build_program(machine) if machine in ALLOWED else None


def _deny(number: int = errno.EPERM) -> tuple[int, int, int, int]:
    return (_RETURN, 0, 0, _ERRNO | number)


def _checked(number: int, check: _Code) -> _Code:
    """Run `check`, which always returns, when the call is `number`."""
    return [(_JUMP_EQUAL, 0, len(check), number), *check]


def _argument(index: int) -> tuple[int, int, int, int]:
    """Load the low half of an argument; both machines are little-endian."""
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * index)


def build_program(machine: str) -> bytes:
    """Return the filter for `machine` as an array of `struct sock_filter`."""
    allow = (_RETURN, 0, 0, _ALLOW)
    checked = CHECKED[machine]
    code: _Code = [
        (_LOAD, 0, 0, _ARCH),
        (_JUMP_EQUAL, 1, 0, AUDIT_ARCH[machine]),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_GREATER_EQUAL, 0, 1, _X32_BIT),
        _deny(),
    ]
    for number in ALLOWED[machine].values():
        code += [(_JUMP_EQUAL, 0, 1, number), allow]
    threads_only = [_argument(0), (_JUMP_ANY_BIT, 0, 1, _CLONE_THREAD), allow, _deny()]
    not_executable = [_argument(2), (_JUMP_ANY_BIT, 0, 1, _PROT_EXEC), _deny(), allow]
    self_only = [_argument(0), (_JUMP_EQUAL, 0, 1, 0), allow, _deny()]
    commands = [_argument(1)]
    for command in _FCNTL_COMMANDS:
        commands += [(_JUMP_EQUAL, 0, 1, command), allow]
    code += _checked(checked["clone"], threads_only)
    # glibc falls back to clone, whose flags a filter can read, when clone3 is not there.
    code += _checked(checked["clone3"], [_deny(errno.ENOSYS)])
    code += _checked(checked["mmap"], not_executable)
    code += _checked(checked["mprotect"], not_executable)
    code += _checked(checked["prlimit64"], self_only)
    code += _checked(checked["fcntl"], [*commands, _deny()])
    code.append(_deny())
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def restrict() -> bool:
    """Put the filter in force for this process and all its threads to come.

    NO_NEW_PRIVS must be set. Returns False when the kernel has no seccomp.
    """
    instructions = program()
    if instructions is None:
        return False
    code = ctypes.create_string_buffer(instructions, len(instructions))
    header = struct.pack("=H6xQ", len(instructions) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, header, 0, 0) == 0)
