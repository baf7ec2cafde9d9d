"""Tables in a terminal that has no room for them."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from tests.sounds import write_music

COLUMNS = 80
_ORDERS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def in_terminal(*arguments: str | Path) -> list[str]:
    """Return the lines that somebody sees who calls `sarau` in a terminal of 80 columns."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    command = [sys.executable, "-m", "sarau", *map(str, arguments)]
    environment = {**os.environ, "TERM": "xterm"}
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


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_music(tmp_path / "a rather long name of a song, as albums have them.wav", seed=1)
    (tmp_path / "lyrics.mp3").write_text("la la la\n" * 100)
    return tmp_path


def test_verdicts_are_whole(place: Path, tmp_path: Path) -> None:
    lines = in_terminal("process", place, "--to", tmp_path / "out")
    assert sum(line.rstrip().endswith("passed") for line in lines) == 4
    assert any("as albums have them.wav" in line for line in lines)
    assert any("lyrics.mp3: rejected" in line for line in lines)
    assert not any("…" in line for line in lines)
    assert max(len(line) for line in lines if "rejected" not in line) <= COLUMNS


def test_figures_are_whole(place: Path) -> None:
    text = "\n".join(in_terminal("measure", place))
    assert "…" not in text
    assert "pcm_s16le stereo" in text
