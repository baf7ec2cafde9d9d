"""Files as somebody sees them who may not read them all: the tests often run as root."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def as_nobody() -> Iterator[None]:
    """Look at files as a user who is not root, in this thread only; others are not root anyway."""
    libc = ctypes.CDLL(None)
    libc.setfsuid(65534 if os.geteuid() == 0 else -1)
    try:
        yield
    finally:
        libc.setfsuid(os.geteuid())
