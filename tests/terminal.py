"""`sarau` in a terminal, as somebody sees it."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from tests.commands import in_english

COLUMNS = 80
_ORDERS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def in_terminal(*arguments: str | Path, **more: str) -> list[str]:
    """Return the lines that somebody sees who calls `sarau` in a terminal of 80 columns."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    command = [sys.executable, "-m", "sarau", *map(str, arguments)]
    environment = in_english() | {"TERM": "xterm"} | more
    with subprocess.Popen(
        command, stdout=its, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        os.close(its)
        said = b""
        try:
            while part := os.read(ours, 1 << 16):
                said += part
        except OSError:  # Linux says so when the other side is closed.
            pass
        process.wait()
    os.close(ours)
    return _ORDERS.sub("", said.decode()).splitlines()
