"""`sarau import` as a person would call it, also beside a server, also killed."""

import hashlib
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests import nursery
from tests.commands import in_english, sarau
from tests.servers import Server
from tests.sounds import write_music

from sarau.catalog import Database, events, uploads
from sarau.model.lifecycle import UploadState


def sarau_import(
    folder: Path, data: Path, *arguments: str
) -> tuple[int, dict[str, dict[str, Any]], str]:
    """Return the exit code, what is said of each file by its name, and standard error."""
    call = ("import", folder, "--data", data, "--json", *arguments)
    done = sarau(*call, SARAU_RESERVE_BYTES="0")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {Path(one["file"]).name: one for one in lines}, done.stderr


def _put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    then = time.time() - 60
    os.utime(path, (then, then))
    return path


def test_a_folder_is_imported_once_without_a_server(tmp_path: Path) -> None:
    folder, data = tmp_path / "music", tmp_path / "data"
    _put(folder / "a.wav", b"one")
    _put(folder / "podcast" / "b.wav", b"two")
    _put(folder / "cover.jpg", b"no sound")
    (folder / "just written.wav").write_bytes(b"three")
    code, found, said = sarau_import(folder, data)
    assert (code, said) == (0, "")
    assert {name: one["state"] for name, one in found.items()} == dict.fromkeys(
        ("a.wav", "b.wav", "just written.wav"), "received"
    )
    code, again, _ = sarau_import(folder, data)
    assert code == 0
    assert {name: one["state"] for name, one in again.items()} == dict.fromkeys(
        ("a.wav", "b.wav", "just written.wav"), "here"
    )
    assert {name: one["track"] for name, one in again.items()} == {
        name: one["track"] for name, one in found.items()
    }


def test_what_cannot_be_taken_is_said_and_is_the_exit_code(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    _put(folder / "good.wav", b"one")
    with _put(folder / "open.wav", b"half").open("ab"):
        code, found, _ = sarau_import(folder, tmp_path / "data")
    assert code == 1
    assert {name: one["state"] for name, one in found.items()} == {
        "good.wav": "received",
        "open.wav": "waiting",
    }


def test_people_get_a_summary_and_saraus_own_disks_are_refused(tmp_path: Path) -> None:
    folder, data = tmp_path / "music", tmp_path / "data"
    _put(folder / "a.wav", b"one")
    call = ("import", folder, "--data", data, "--after", "move")
    done = sarau(*call, SARAU_RESERVE_BYTES="0")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "1 received",
        "Originals that stay until their tracks are ready: 1. Call again.",
    ]
    code, _, said = sarau_import(data / "library", data)
    assert code == 3
    assert "Sarau's own files" in said


def test_beside_a_server_tracks_become_ready_and_originals_are_moved(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = make_server()
    folder = tmp_path / "music"
    folder.mkdir()
    write_music(folder / "good.wav")
    (folder / "bad.mp3").write_bytes(b"no music")
    code, found, said = sarau_import(folder, server.data, "--after", "move", "--wait")
    assert (code, said) == (0, "")
    assert (folder / "done" / "good.wav").exists()
    assert (folder / "rejected" / "bad.mp3").exists()
    assert server.wait_for(found["good.wav"]["track"], "ready")["filename"] == "good.wav"
    assert server.wait_for(found["bad.mp3"]["track"], "rejected")["code"] == "not_audio"


def test_a_server_takes_in_what_is_dropped(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    drop = tmp_path / "data0" / "intake" / "drop"
    server = make_server(
        SARAU_WATCH=str(drop), SARAU_WATCH_AFTER="delete", SARAU_WATCH_STABLE_S="1"
    )
    (drop / "archive").mkdir()
    write_music(drop / ".song.wav.part")
    (drop / ".song.wav.part").rename(drop / "archive" / "song.wav")
    end = time.monotonic() + 60
    while (drop / "archive" / "song.wav").exists():
        assert time.monotonic() < end, server.log
        time.sleep(0.1)
    with server.client() as client:
        (track,) = client.get("/api/v1/tracks").json()["items"]
    assert (track["filename"], track["preset"], track["state"]) == ("song.wav", "archive", "ready")


def _copied_bytes(data: Path) -> int:
    return sum(path.stat().st_size for path in data.glob("intake/uploads/*"))


def _kill_while_it_copies(folder: Path, data: Path, more_bytes: int) -> bool:
    """Start an import and kill it as soon as it has copied so much more."""
    enough = _copied_bytes(data) + more_bytes
    call = ["-m", "sarau", "import", str(folder), "--data", str(data)]
    environment = in_english() | {"SARAU_RESERVE_BYTES": "0"}
    with Path(os.devnull).open("w") as nobody:
        process = nursery.start(call, environment=environment, stdout=nobody, stderr=nobody)
    while process.poll() is None and _copied_bytes(data) < enough:
        time.sleep(0.002)
    was_at_work = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return was_at_work


@pytest.mark.parametrize(
    ("most_kills", "files"), [(4, 24), pytest.param(40, 200, marks=pytest.mark.soak)]
)
@pytest.mark.timeout(900)
def test_killed_at_random_every_file_is_there_exactly_once(
    most_kills: int, files: int, tmp_path: Path
) -> None:
    """Every kill is a SIGKILL while it copies; no handler of ours runs."""
    seed = random.SystemRandom().randrange(1 << 32)
    rng = random.Random(seed)
    print(f"\nseed {seed}")
    folder, data = tmp_path / "music", tmp_path / "data"
    wanted: Counter[str] = Counter()
    total_bytes = 0
    for number in range(files):
        sound = rng.randbytes(rng.choice([3_000, 400_000, 3_000_000, 20_000_000]))
        _put(folder / str(number % 3) / f"{number}.wav", sound)
        wanted[hashlib.sha256(sound).hexdigest()] += 1
        total_bytes += len(sound)
    share = int(1.5 * total_bytes / most_kills)
    kills = sum(
        _kill_while_it_copies(folder, data, rng.randint(1, share)) for _ in range(most_kills)
    )
    database = Database(f"sqlite:///{data / 'sarau.db'}")
    with database.read() as connection:
        broken_off = len(uploads.in_state(connection, UploadState.RECEIVING))
        before = len(uploads.in_state(connection, UploadState.RECEIVED, limit=1000))
    code, found, said = sarau_import(folder, data)
    assert code == 0, said
    assert {one["state"] for one in found.values()} <= {"received", "here"}
    with database.read() as connection:
        received = uploads.in_state(connection, UploadState.RECEIVED, limit=1000)
        unfinished = uploads.in_state(connection, UploadState.RECEIVING)
        kinds = Counter(event.kind for event in events.after(connection, 0, limit=10_000))
    database.close()
    have: Counter[str] = Counter()
    for upload in received:
        digest = hashlib.sha256((data / "intake" / "uploads" / upload.id).read_bytes()).hexdigest()
        assert upload.sha256 == digest
        have[digest] += 1
    print(
        f"{files} files, {kills} kills while copying: {before} whole and {broken_off} broken off"
        f" before the last call, {len(received)} after it, {(have - wanted).total()} doubled"
    )
    assert kills > 0
    assert have == wanted
    assert unfinished == []
    assert kinds["upload.received"] == kinds["upload.imported"] == files
