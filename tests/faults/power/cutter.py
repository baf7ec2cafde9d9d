"""Serves from logged disks, then cuts the power before a flush and looks.

What the file system had flushed is on the disk. Of what came later each block of
4 KiB is there or not, by chance. Then the disks are mounted again, the real recovery
runs, and every acknowledgement given before the cut is held against what is found.
"""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.disks import run
from tests.faults.power.acts import Act
from tests.faults.power.clients import Client
from tests.faults.power.installation import Installation
from tests.faults.power.promises import Promises, broken
from tests.faults.power.records import RECORD

from sarau.app import open_app

HERE = Path(__file__).parent
BLOCK = 4096
IMAGE_BYTES = 8 << 20
DISKS = 3


@contextmanager
def mounted(images: Sequence[Path], folder: Path) -> Iterator[Installation]:
    with ExitStack() as stack:
        places = []
        for number, image in enumerate(images):
            place = folder / f"m{number}"
            place.mkdir(exist_ok=True)
            loop = run("losetup", "-f", "--show", image)
            stack.callback(run, "losetup", "-d", loop)
            run("mount", loop, place)
            stack.callback(run, "umount", place)
            places.append(place)
        yield Installation(*places)


@dataclass
class Recording:
    """The disks before the run, and everything that happened to them in it."""

    bases: list[bytes]
    records: list[tuple[bytes, int, int, bytes]]
    songs: Path

    def flushes(self) -> list[int]:
        """Return where a disk was flushed since the server began to serve."""
        first = next(
            number
            for number, (kind, _, _, data) in enumerate(self.records)
            if kind == b"m" and data.startswith(b"start")
        )
        return [
            number
            for number, (kind, *_) in enumerate(self.records)
            if kind == b"f" and number > first
        ]

    def turns(self) -> list[int]:
        """Return those flushes before which another disk was flushed.

        The order in which disks are flushed is what most protections are about.
        """
        found, last = [], None
        for number in self.flushes():
            _, disk, _, _ = self.records[number]
            if disk != last:
                found.append(number)
            last = disk
        return found


def record(
    folder: Path, songs: Path, mutant: str, acts: Sequence[Sequence[tuple[Act, str]]]
) -> Recording:
    """Let a client of its own do each list of `acts` at a server on logged disks."""
    images = [folder / f"base{number}.img" for number in range(DISKS)]
    for image in images:
        image.write_bytes(bytes(IMAGE_BYTES))
        run("mkfs.ext4", "-q", "-F", image)
    with mounted(images, folder) as installation, open_app(installation.settings, work=False):
        pass
    bases = [image.read_bytes() for image in images]
    log, fuse = folder / "log", folder / "fuse"
    fuse.mkdir()
    disk = subprocess.Popen([sys.executable, HERE / "disk.py", fuse, log, *images])
    while not (fuse / "mark").exists():
        assert disk.poll() is None, "the FUSE disks did not start"
        time.sleep(0.05)
    try:
        logged = [fuse / f"disk{number}" for number in range(DISKS)]
        with mounted(logged, folder) as installation:
            _serve(installation, songs, fuse / "mark", mutant, acts)
    finally:
        _unmount(fuse)
        disk.wait()
    return Recording(bases, list(_parse(log.read_bytes())), songs)


def _unmount(fuse: Path) -> None:
    """Unmount the disks as soon as the last child of a killed server has let go of them."""
    end = time.monotonic() + 60
    while subprocess.run(["fusermount3", "-u", fuse], check=False, capture_output=True).returncode:
        assert time.monotonic() < end, "somebody holds the FUSE disks"
        time.sleep(0.1)


def _serve(
    installation: Installation,
    songs: Path,
    mark: Path,
    mutant: str,
    acts: Sequence[Sequence[tuple[Act, str]]],
) -> None:
    server = installation.server(mutant).start()
    try:
        mark.write_bytes(b"start\n")
        clients = [Client(server, installation, songs, mark, own) for own in acts]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        for client in clients:
            if client.error is not None:
                raise AssertionError("".join(server.log[-20:])) from client.error
    finally:
        server.kill()


def _parse(log: bytes) -> Iterator[tuple[bytes, int, int, bytes]]:
    position = 0
    while position < len(log):
        kind, disk, offset, size = RECORD.unpack_from(log, position)
        position += RECORD.size
        yield kind, disk, offset, log[position : position + size]
        position += size


@dataclass
class Verdict:
    cuts: int = 0
    bad: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, wrong: Collection[str]) -> None:
        self.cuts += 1
        self.bad += bool(wrong)
        self.kinds.update(wrong)


Look = Callable[[Installation, Promises], set[str]]
"""Returns what is wrong with an installation that the power came back to."""


def cut(
    recording: Recording,
    folder: Path,
    *,
    at: Collection[int],
    seed: int,
    look: Look = broken,
    stop_at_first: bool = False,
) -> Verdict:
    """Cut before some flushes, in order; with `stop_at_first` only until one cut is bad."""
    chance = random.Random(seed)
    disks = [bytearray(base) for base in recording.bases]
    pending: list[list[tuple[int, bytes]]] = [[] for _ in disks]
    promises, verdict = Promises(recording.songs), Verdict()
    images = [folder / f"cut{number}.img" for number in range(len(disks))]
    for number, (kind, disk, offset, data) in enumerate(recording.records):
        if number in at:
            keep = chance.choice((0.0, 0.5, 0.9))
            torn = _torn(disks, pending, chance, keep)
            for image, content in zip(images, torn, strict=True):
                # A child of a server that was killed may still hold the image before.
                image.unlink(missing_ok=True)
                image.write_bytes(content)
            with mounted(images, folder) as installation:
                verdict.add(_looked(look, installation, promises))
            if verdict.bad and stop_at_first:
                break
        if kind == b"w":
            pending[disk].append((offset, data))
        elif kind == b"f":
            for start, flushed in pending[disk]:
                disks[disk][start : start + len(flushed)] = flushed
            pending[disk].clear()
        else:
            promises.take(data)
    return verdict


def _looked(look: Look, installation: Installation, promises: Promises) -> set[str]:
    try:
        return look(installation, promises)
    except Exception as error:  # noqa: BLE001 - whatever breaks is what the cut broke
        return {f"{type(error).__name__}: {error}"[:60]}


def _torn(
    disks: list[bytearray],
    pending: list[list[tuple[int, bytes]]],
    chance: random.Random,
    keep: float,
) -> list[bytearray]:
    images = [bytearray(disk) for disk in disks]
    for image, writes in zip(images, pending, strict=True):
        for offset, data in writes:
            for start in range(0, len(data), BLOCK):
                if chance.random() < keep:
                    block = data[start : start + BLOCK]
                    image[offset + start : offset + start + len(block)] = block
    return images
