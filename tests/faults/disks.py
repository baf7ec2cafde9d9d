"""Disks that can be broken, and system calls that fail on demand."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MIB = 1 << 20


def run(*command: object) -> str:
    done = subprocess.run(
        [str(word) for word in command], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout.strip()


@contextmanager
def tmpfs_at(place: Path, options: str) -> Iterator[Path]:
    place.mkdir()
    run("mount", "-t", "tmpfs", "-o", options, "tmpfs", place)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)


@contextmanager
def ext4_at(place: Path) -> Iterator[Path]:
    place.mkdir()
    image = place.with_suffix(".img")
    image.write_bytes(bytes(64 * MIB))
    run("mkfs.ext4", "-q", "-F", image)
    loop = run("losetup", "-f", "--show", image)
    try:
        run("mount", loop, place)
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)
        run("losetup", "-d", loop)


@contextmanager
def injected(pid: int, path: Path | None, what: str) -> Iterator[None]:
    """Attach strace to a process and let system calls fail, on `path` or anywhere."""
    command = ["strace", "-f", "-qq", "-o", "/dev/null"]
    command += ["-P", str(path)] if path else []
    command += ["-e", f"trace={what.partition(':')[0]}", "-e", f"inject={what}"]
    tracer = subprocess.Popen([*command, "-p", str(pid)])
    status = Path(f"/proc/{pid}/status")
    while "TracerPid:\t0" in status.read_text():
        time.sleep(0.01)
    time.sleep(0.3)
    try:
        yield
    finally:
        # A polite strace waits for a tracee that it has just made the kernel kill.
        tracer.kill()
        tracer.wait()
