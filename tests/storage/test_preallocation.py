"""Blocks are allocated ahead of what is written, and nobody notices but the clock."""

import os
from pathlib import Path

from sarau.storage import durable

MIB = 1 << 20


def _allocated_bytes(fd: int) -> int:
    return os.fstat(fd).st_blocks * 512


def test_preallocation_leaves_the_size_alone_and_is_given_back(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "file", os.O_CREAT | os.O_WRONLY)
    try:
        os.write(fd, b"sound")
        durable.preallocate(fd, 5, 8 * MIB)
        assert os.fstat(fd).st_size == 5
        assert _allocated_bytes(fd) >= 8 * MIB
        durable.release_preallocated(fd, 5)
        assert os.fstat(fd).st_size == 5
        assert _allocated_bytes(fd) < MIB
    finally:
        os.close(fd)
    assert (tmp_path / "file").read_bytes() == b"sound"


def test_no_room_for_it_is_no_failure(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "file", os.O_CREAT | os.O_WRONLY)
    try:
        durable.preallocate(fd, 0, 1 << 60)
        os.write(fd, b"sound")
        assert os.fstat(fd).st_size == 5
    finally:
        os.close(fd)
