"""How well a recording is found again, and how fast among many.

Recall and precision: each music file of the folders given (or, without any, of Debian's
packages of free music, downloaded once) is cut to 150 s and changed in seven ways. Each change
has to find its own original among all originals, by marks and comparison as in the catalog,
and nothing else.

    python -m bench.likeness [FOLDER...]
    python -m bench.likeness --catalog 100000 [--asked 100] [--url postgresql+psycopg://...]

With `--catalog`, an empty catalog (or the one at `--url`, unless it is full already) is filled
with so many made-up fingerprints of four minutes, and one new track at a time is stored and
looked up.
"""

import argparse
import itertools
import json
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from sarau.audio._canonical import Canonical
from sarau.audio._decode import Source
from sarau.audio._types import Limits
from sarau.audio.insight._fingerprint import Fingerprinter
from sarau.catalog import Database, fingerprints, likenesses, migrate, tracks
from sarau.catalog.fingerprints import _marks as kept_marks
from sarau.catalog.tables import fingerprint_marks
from sarau.catalog.tables import fingerprints as fingerprints_table
from sarau.catalog.tables import tracks as tracks_table
from sarau.model.clock import now
from sarau.model.fingerprint import Fingerprint, compare
from sarau.model.ids import LOCAL_USER_ID, TrackId, UploadId, new_id
from sarau.model.track import Track

PACKAGES = (
    "asc-music",
    "hedgewars-data",
    "hyperrogue-music",
    "singularity-music",
    "warzone2100-music",
)
CACHE = Path("tests/.music")
LENGTH_S, SHORTEST_S = 150, 30
ITEMS = 1938
COMMON_PIECES = 500
MUSIC = (".mp3", ".ogg", ".opus", ".flac")
CHANGES = {
    "MP3 128": ["-c:a", "libmp3lame", "-b:a", "128k", ".mp3"],
    "Opus 64": ["-c:a", "libopus", "-b:a", "64k", ".opus"],
    "AAC 128": ["-c:a", "aac", "-b:a", "128k", ".m4a"],
    "+9 dB into a limiter": ["-af", "volume=9dB,alimiter=limit=0.9:level=false", ".flac"],
    "9.37 s of intro cut": ["-af", "atrim=start=9.37", ".flac"],
    "22.05 kHz": ["-ar", "22050", ".flac"],
    "3.06 s cut, -6 dB, 48 kHz, Opus 64": [
        *("-af", "atrim=start=3.061,volume=-6dB", "-ar", "48000"),
        *("-c:a", "libopus", "-b:a", "64k", ".opus"),
    ],
}


def download() -> Iterator[Path]:
    """Give a folder of each package, unpacked and never installed."""
    for package in PACKAGES:
        place = CACHE / package
        if not place.exists():
            CACHE.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(dir=CACHE) as name:
                subprocess.run(
                    ["apt-get", "download", "-q", package],
                    cwd=name,
                    check=True,
                    capture_output=True,
                )
                (archive,) = Path(name).glob("*.deb")
                subprocess.run(["dpkg", "-x", str(archive), f"{name}/files"], check=True)
                Path(name, "files").rename(place)
        yield place


def ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)


def fingerprint_of(path: Path) -> Fingerprint | None:
    fd = os.open(path, os.O_RDONLY)
    try:
        source = Source(fd, Limits())
        canonical = Canonical(source)
        maker = Fingerprinter(canonical.rate_hz, canonical.layout)
        for frame in itertools.chain(source.frames(), [None]):
            for piece in canonical.push(frame):
                maker.push(piece)
        maker.push(None)
        return maker.result()
    finally:
        os.close(fd)


def fingerprints_of(path: Path, place: Path) -> dict[str, Fingerprint]:
    """Return the fingerprint of a file's first 150 s and of each change; none when it is short."""
    original = place / "original.flac"
    ffmpeg("-t", str(LENGTH_S), "-i", path, "-vn", original)
    found = {"original": fingerprint_of(original)}
    if found["original"] is None or len(found["original"]) * 0.1238 < SHORTEST_S:
        return {}
    for name, (*arguments, suffix) in CHANGES.items():
        changed = place / f"changed{suffix}"
        ffmpeg("-i", original, *arguments, changed)
        found[name] = fingerprint_of(changed)
    return {name: one for name, one in found.items() if one is not None}


def judge(music: dict[str, dict[str, Fingerprint]]) -> dict[str, object]:
    """Look each change up among the originals, the way the catalog does."""
    marks = {name: set(one["original"].marks()) for name, one in music.items()}
    changes = {}
    wrong: list[tuple[str, str, str]] = []
    for change in CHANGES:
        scores = []
        for name, one in music.items():
            own = set(one[change].marks())
            for other in (other for other in music if marks[other] & own):
                likeness = compare(one[change], music[other]["original"])
                if likeness is not None and other == name:
                    scores.append(likeness.score)
                elif likeness is not None:
                    wrong.append((change, name, other))
        changes[change] = {
            "found": len(scores),
            "lowest_score": min(scores),
            "median_score": statistics.median(scores),
        }
    pairs = list(itertools.combinations(music, 2))
    alike = [(a, b) for a, b in pairs if compare(music[a]["original"], music[b]["original"])]
    found = sum(int(row["found"]) for row in changes.values())
    return {
        "tracks": len(music),
        "changes": changes,
        "recall": round(found / (len(CHANGES) * len(music)), 4),
        "precision": round(found / (found + len(wrong)), 4),
        "wrong": wrong,
        "pairs_of_different_files_compared": len(pairs),
        "of_them_said_to_be_alike": alike,
    }


def measure_music(folders: list[Path]) -> dict[str, object]:
    paths = sorted(
        path
        for folder in folders or download()
        for path in folder.rglob("*")
        if path.suffix in MUSIC and path.stat().st_size > 1 << 18
    )
    music = {}
    with tempfile.TemporaryDirectory() as name:
        for path in paths:
            found = fingerprints_of(path, Path(name))
            if found:
                music[path.name] = found
    return judge(music)


def made_up(chance: random.Random) -> Fingerprint:
    """Return four minutes of chance, a tenth of them pieces of two seconds that much music has."""
    items = bytearray(chance.randbytes(ITEMS * 4))
    for _ in range(ITEMS // 160):
        piece = random.Random(chance.randrange(COMMON_PIECES)).randbytes(64)
        place = 4 * chance.randrange(ITEMS - 16)
        items[place : place + 64] = piece
    return Fingerprint(bytes(items))


def fill(database: Database, many: int) -> list[TrackId]:
    """Store `many` tracks with their fingerprints; the marks at last, in their order."""
    chance = random.Random(1)
    made: list[TrackId] = []
    marks: list[int] = []
    while len(made) < many:
        rows, sounds = [], []
        for _ in range(min(500, many - len(made))):
            fingerprint = made_up(chance)
            name = TrackId(new_id())
            place = len(made)
            marks += [mark << 32 | place for mark in kept_marks(fingerprint, LOCAL_USER_ID)]
            made.append(name)
            rows.append(row_of(name))
            sounds.append({"track_id": name, "chromaprint": fingerprint.items})
        with database.write() as connection:
            connection.execute(sa.insert(tracks_table), rows)
            connection.execute(sa.insert(fingerprints_table), sounds)
    marks.sort()
    for start in range(0, len(marks), 50_000):
        batch = [
            {"mark": mark >> 32, "track_id": made[mark & 0xFFFFFFFF]}
            for mark in marks[start : start + 50_000]
        ]
        with database.write() as connection:
            connection.execute(sa.insert(fingerprint_marks), batch)
    if database.engine.dialect.name == "postgresql":
        with database.engine.connect() as connection:
            automatic = connection.execution_options(isolation_level="AUTOCOMMIT")
            automatic.exec_driver_sql("ANALYZE")
    return made


def row_of(track_id: TrackId) -> dict[str, object]:
    return {
        "id": track_id,
        "owner_id": LOCAL_USER_ID,
        "filename": "made-up.wav",
        "title": "made up",
        "preset": "archive",
        "state": "ready",
        "created_at": now(),
        "updated_at": now(),
    }


def store(connection: sa.Connection, fingerprint: Fingerprint) -> Track:
    name = new_id()
    track = tracks.create(
        connection,
        TrackId(name),
        owner_id=LOCAL_USER_ID,
        filename="made-up.wav",
        title="made up",
        preset="archive",
        upload_id=UploadId(name),
    )
    fingerprints.save(connection, track, fingerprint)
    return track


class Clock:
    """Notes how long each kind of work took: milliseconds by the wall, and of this process."""

    def __init__(self) -> None:
        self.took: dict[str, list[tuple[float, float]]] = {}

    @contextmanager
    def of(self, kind: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        spent = (time.perf_counter() - wall, time.process_time() - cpu)
        self.took.setdefault(kind, []).append((1000 * spent[0], 1000 * spent[1]))

    def told(self) -> dict[str, dict[str, float]]:
        found = {}
        for kind, took in self.took.items():
            wall, cpu = ([one[index] for one in took] for index in (0, 1))
            found[kind] = {
                "median_ms": round(statistics.median(wall), 1),
                "median_cpu_ms": round(statistics.median(cpu), 1),
                "highest_ms": round(max(wall), 1),
            }
        return found


def measure_catalog(url: str, many: int, asked: int) -> dict[str, object]:
    database = Database(url)
    migrate(database.engine)
    before = time.monotonic()
    with database.read() as connection:
        known = connection.execute(sa.select(tracks_table.c.id).limit(many)).scalars()
        made = [TrackId(one) for one in known]
    made = made if len(made) == many else fill(database, many)
    filled_s = time.monotonic() - before
    chance = random.Random(2)
    clock = Clock()
    for _ in range(asked):
        twin = chance.choice(made)
        with database.read() as connection:
            fingerprint = Fingerprint(fingerprints.find(connection, [twin])[twin].items[400:])
        with clock.of("store a track with its fingerprint"), database.write() as connection:
            track = store(connection, fingerprint)
        with clock.of("find the candidates"), database.read() as connection:
            ids = fingerprints.candidates(connection, track, fingerprint, limit=20)
            others = fingerprints.find(connection, ids)
        with clock.of("compare up to 20"):
            compared = {one: compare(fingerprint, others[one]) for one in ids}
        found = {one: likeness for one, likeness in compared.items() if likeness is not None}
        assert twin in found
        with database.write() as connection:
            likenesses.save(connection, track, found)
        with clock.of("what 50 tracks sound like"), database.read() as connection:
            likenesses.of_tracks(connection, [track.id, *made[:49]])
    with database.read() as connection:
        rows = connection.execute(sa.select(sa.func.count()).select_from(fingerprint_marks))
        marks = rows.scalar_one()
    database.close()
    return {"tracks": many, "marks": marks, "filled_s": round(filled_s), "took": clock.told()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--catalog", type=int)
    parser.add_argument("--asked", type=int, default=100)
    parser.add_argument("--url")
    given = parser.parse_args()
    if given.catalog is None:
        found = measure_music(given.folders)
    else:
        with tempfile.TemporaryDirectory() as name:
            url = given.url or f"sqlite:///{name}/catalog.db"
            found = measure_catalog(url, given.catalog, given.asked)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
