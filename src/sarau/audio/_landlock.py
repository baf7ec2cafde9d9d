"""Landlock: after this, of all paths only one directory exists (kernel 5.13 and later)."""

import ctypes
import os
import struct
from pathlib import Path
from typing import Final

# asm-generic numbers, the same on every machine.
_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_VERSION_FLAG: Final = 1
_RULE_PATH_BENEATH: Final = 1

_WRITE_FILE: Final = 1 << 1
_READ_FILE: Final = 1 << 2
_READ_DIR: Final = 1 << 3
_REMOVE_FILE: Final = 1 << 5
_MAKE_DIR: Final = 1 << 7
_MAKE_REG: Final = 1 << 8
_TRUNCATE: Final = 1 << 14
_IN_OUTPUT: Final = (
    _WRITE_FILE | _READ_FILE | _READ_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _TRUNCATE
)

# The rights each version of the interface knows; later ones have no new ones for files.
_RIGHTS_BITS: Final = {1: 13, 2: 14, 3: 15, 4: 15}
_ALL_RIGHTS_BITS: Final = 16
_NETWORK_SINCE: Final = 4
_SCOPES_SINCE: Final = 6
_ALL_NETWORK: Final = 3
_ALL_SCOPES: Final = 3


def landlock_abi() -> int:
    """Return the kernel's version of Landlock, 0 when it has none."""
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, int(libc.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)))


def restrict(directory: Path | None) -> bool:
    """Leave this process no path but `directory`, no TCP, and no signal to the outside.

    NO_NEW_PRIVS must be set. Returns False when the kernel has no Landlock.
    """
    abi = landlock_abi()
    if abi == 0:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    rights = (1 << _RIGHTS_BITS.get(abi, _ALL_RIGHTS_BITS)) - 1
    attributes = struct.pack("=Q", rights)
    if abi >= _NETWORK_SINCE:
        attributes += struct.pack("=Q", _ALL_NETWORK)
    if abi >= _SCOPES_SINCE:
        attributes += struct.pack("=Q", _ALL_SCOPES)
    ruleset = libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        if directory is not None:
            _allow(libc, ruleset, directory, _IN_OUTPUT & rights)
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, directory: Path, rights: int) -> None:
    path = os.open(directory, os.O_PATH | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        rule = struct.pack("=Qi", rights, path)
        if libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0) != 0:
            number = ctypes.get_errno()
            raise OSError(number, "landlock_add_rule", str(directory))
    finally:
        os.close(path)
