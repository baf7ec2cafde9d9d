"""Runs the workload on the logged disks, then cuts the power at every flush and looks.

What the file system had flushed is on the disk. Of what came later each block of
4 KiB is there or not, by chance. Then the disks are mounted again, the real recovery
runs, and every acknowledgement given before the cut is held against what is found.
"""

import hashlib
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from tests.faults.disks import run
from tests.faults.power.records import RECORD
from tests.faults.power.rooms import content, open_rooms

from sarau.catalog import migrate, tables
from sarau.library import DiskLibrary
from sarau.model.ids import UploadId
from sarau.model.lifecycle import UploadState

HERE = Path(__file__).parent
BLOCK = 4096
IMAGE_BYTES = 16 << 20


@contextmanager
def mounted(image: Path, place: Path) -> Iterator[Path]:
    place.mkdir(exist_ok=True)
    loop = run("losetup", "-f", "--show", image)
    try:
        run("mount", loop, place)
        try:
            yield place
        finally:
            run("umount", place)
    finally:
        run("losetup", "-d", loop)


@dataclass
class Recording:
    """The disks before the run, and everything that happened to them in it."""

    bases: list[bytes]
    records: list[tuple[bytes, int, int, bytes]]

    def flushes(self) -> list[int]:
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


def record(folder: Path, mutant: str, count: int) -> Recording:
    images = [folder / "base0.img", folder / "base1.img"]
    with ExitStack() as stack:
        places = []
        for number, image in enumerate(images):
            image.write_bytes(bytes(IMAGE_BYTES))
            run("mkfs.ext4", "-q", "-F", image)
            places.append(stack.enter_context(mounted(image, folder / f"m{number}")))
        database, intake, _ = open_rooms(*places)
        migrate(database.engine)
        intake.close()
        database.close()
    bases = [image.read_bytes() for image in images]
    log, fuse = folder / "log", folder / "fuse"
    fuse.mkdir()
    disk = subprocess.Popen([sys.executable, HERE / "disk.py", fuse, log, *images])
    while not (fuse / "mark").exists():
        assert disk.poll() is None, "the FUSE disk did not start"
        time.sleep(0.05)
    try:
        with mounted(fuse / "disk0", places[0]), mounted(fuse / "disk1", places[1]):
            workload = HERE / "workload.py"
            run(sys.executable, workload, *places, fuse / "mark", mutant, count)
    finally:
        run("fusermount3", "-u", fuse)
        disk.wait()
    return Recording(bases, list(_parse(log.read_bytes())))


def _parse(log: bytes) -> Iterator[tuple[bytes, int, int, bytes]]:
    position = 0
    while position < len(log):
        kind, disk, offset, size = RECORD.unpack_from(log, position)
        position += RECORD.size
        yield kind, disk, offset, log[position : position + size]
        position += size


@dataclass
class Promises:
    """What had been acknowledged, from the marks before the cut."""

    created: dict[str, int] = field(default_factory=dict)
    offsets: dict[str, int] = field(default_factory=dict)
    received: set[str] = field(default_factory=set)
    stored: set[str] = field(default_factory=set)
    terminating: set[str] = field(default_factory=set)
    terminated: set[str] = field(default_factory=set)
    deleting: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)

    def take(self, marks: bytes) -> None:
        for line in marks.decode().splitlines():
            what, *rest = line.split()
            if what == "created":
                self.created[rest[1]] = int(rest[0])
            elif what == "offset":
                self.offsets[rest[1]] = int(rest[2])
            elif what not in {"start", "end"}:
                getattr(self, what).add(rest[1])


@dataclass
class Verdict:
    cuts: int = 0
    bad: int = 0
    kinds: Counter[str] = field(default_factory=Counter)


def cut_everywhere(
    recording: Recording, folder: Path, *, seed: int, stop_at_first: bool = False
) -> Verdict:
    """Cut before every flush, in order; with `stop_at_first` only until one cut is bad."""
    chance = random.Random(seed)
    disks = [bytearray(base) for base in recording.bases]
    pending: list[list[tuple[int, bytes]]] = [[], []]
    promises, verdict = Promises(), Verdict()
    cuts = set(recording.flushes())
    for number, (kind, disk, offset, data) in enumerate(recording.records):
        if number in cuts:
            keep = chance.choice((0.0, 0.5, 0.9))
            wrong = look(_torn(disks, pending, chance, keep), promises, folder)
            verdict.cuts += 1
            verdict.bad += bool(wrong)
            verdict.kinds.update(wrong)
            if wrong and stop_at_first:
                break
        if kind == b"w":
            pending[disk].append((offset, data))
        elif kind == b"f":
            for at, flushed in pending[disk]:
                disks[disk][at : at + len(flushed)] = flushed
            pending[disk].clear()
        else:
            promises.take(data)
    return verdict


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


def look(images: list[bytearray], promises: Promises, folder: Path) -> set[str]:
    """Return what is wrong after the power came back."""
    with ExitStack() as stack:
        places = []
        for number, image in enumerate(images):
            path = folder / f"cut{number}.img"
            path.write_bytes(image)
            places.append(stack.enter_context(mounted(path, folder / f"c{number}")))
        try:
            database, intake, library = open_rooms(*places)
            stack.callback(database.close)
            report = intake.recover()
            stack.callback(intake.close)
            wrong = {"damaged"} if report.damaged else set()
            with database.read() as connection:
                return wrong | _judge(connection, intake.files.of, library, promises)
        except Exception as error:  # noqa: BLE001 - whatever breaks is what the cut broke
            return {f"{type(error).__name__}: {error}"[:60]}


def _judge(
    connection: sa.Connection,
    file_of: Callable[[UploadId], Path],
    library: DiskLibrary,
    promises: Promises,
) -> set[str]:
    wrong = set()
    if connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() != "ok":
        wrong.add("database corrupt")
    if connection.exec_driver_sql("PRAGMA foreign_key_check").all():
        wrong.add("database inconsistent")
    rows = {row.id: row for row in connection.execute(sa.select(tables.uploads))}
    tracks = Counter(row.upload_id for row in connection.execute(_creations()))
    for upload_id, number in promises.created.items():
        row = rows.get(upload_id)
        if row is None:
            wrong.add("upload lost")
            continue
        if tracks[upload_id] != 1:
            wrong.add("track not once")
        wrong |= _judge_upload(row, file_of(row.id), content(number), library, promises)
    names = {row.sha256 for row in connection.execute(sa.select(tables.objects))}
    if any(library_has(library, sha256) or sha256 in names for sha256 in promises.deleted):
        wrong.add("deleted and still there")
    return wrong


def _creations() -> sa.Select[tuple[str]]:
    return sa.select(tables.events.c.upload_id).where(tables.events.c.kind == "track.created")


def library_has(library: DiskLibrary, sha256: str) -> bool:
    return bool(library.volume.path("objects", sha256[:2], sha256).exists())


def _judge_upload(
    row: Any, file: Path, data: bytes, library: DiskLibrary, promises: Promises
) -> set[str]:
    wrong = set()
    state = UploadState(row.state)
    if row.id not in promises.terminating and row.offset_bytes < promises.offsets.get(row.id, 0):
        wrong.add("acknowledged offset lost")
    if row.id in promises.received and state is UploadState.RECEIVING:
        wrong.add("acknowledged file lost")
    if row.id in promises.stored and state is not UploadState.STORED:
        wrong.add("acknowledged promotion lost")
    if row.id in promises.terminated and (state is not UploadState.DISCARDED or file.exists()):
        wrong.add("termination lost")
    if state in {UploadState.RECEIVING, UploadState.RECEIVED}:
        held = file.read_bytes() if file.exists() else None
        if held != data[: row.offset_bytes]:
            wrong.add("acknowledged bytes lost")
    sha256 = hashlib.sha256(data).hexdigest()
    if state is UploadState.STORED and sha256 not in promises.deleting:
        path = library.volume.path("objects", sha256[:2], sha256)
        if not path.exists() or path.read_bytes() != data:
            wrong.add("stored without its object")
    return wrong
