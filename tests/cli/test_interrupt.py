"""Ctrl-C: it ends soon, leaves nothing running and nothing half done, and can be called again.

So do the signals of `kill`, of a service that is stopped and of a terminal that is closed.
"""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from subprocess import Popen

import pytest
from tests.commands import in_english
from tests.sounds import write_music

FILES = 12
LENGTH_S = 20
SOON_S = 20
"""Of a machine that is busy: what waits takes many times as long."""


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for seed in range(FILES):
        write_music(folder / f"{seed:02}.wav", seed=seed, seconds=LENGTH_S)
    return folder


def call(music: Path, *more: str) -> list[str]:
    command = [sys.executable, "-m", "sarau", "process", str(music), "--jobs", "2", "--json"]
    return [*command, "--to", str(music.parent / "out"), *more]


def start(command: list[str], *, at_hangup: signal.Handlers = signal.SIG_DFL) -> Popen[str]:
    # As from a terminal: what a shell runs in the background, or what nohup runs, ignores a
    # signal, and so do its children unless somebody listens.
    wanted = {signal.SIGINT: signal.SIG_DFL, signal.SIGHUP: at_hangup}
    before = {one: signal.signal(one, handler) for one, handler in wanted.items()}
    try:
        return Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=in_english()
        )
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def below(pid: int) -> set[int]:
    """Return the processes that a process has started, and theirs."""
    found: set[int] = set()
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, path.read_text().split()):
            found |= {child} | below(child)
    return found


def wait_for_children(pid: int, count: int) -> set[int]:
    deadline = time.monotonic() + 60
    while len(found := below(pid)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def interrupt(
    process: Popen[str], engine: set[int], number: int = signal.SIGINT
) -> tuple[list[str], str]:
    """Press Ctrl-C, or send another signal, and return what was said after it."""
    process.send_signal(number)
    begun = time.monotonic()
    said, errors = process.communicate(timeout=SOON_S)
    print(f"ended {time.monotonic() - begun:.1f} s after the signal")
    assert process.returncode == 128 + number, errors
    assert errors == "sarau: interrupted\n"
    assert [pid for pid in engine if is_alive(pid)] == []
    return said.splitlines(), errors


def test_files_that_wait_are_not_begun_and_the_next_call_makes_the_rest(music: Path) -> None:
    process = start(call(music, "--preset", "archive", "--report", str(music.parent)))
    assert process.stdout is not None
    first = process.stdout.readline()
    engine = wait_for_children(process.pid, 1)
    said, _ = interrupt(process, engine)
    done = [json.loads(line) for line in [first, *said]]
    assert {one["state"] for one in done} == {"ready"}
    out = music.parent / "out"
    assert len(done) <= len(list(out.rglob("*.sarau.json"))) < FILES
    assert list(out.rglob(".sarau-*")) == []
    assert list(music.parent.glob("report.*")) == []
    again = subprocess.run(
        call(music, "--preset", "archive"), capture_output=True, text=True, check=True
    )
    found = [json.loads(line) for line in again.stdout.splitlines()]
    assert {one["state"] for one in found} == {"ready"}
    assert len(found) == FILES
    assert {one["file"] for one in done} <= {one["file"] for one in found if one["made_before"]}
    assert len(list(out.rglob("*.flac"))) == FILES


@pytest.mark.parametrize(
    ("number", "more"),
    [(signal.SIGINT, ("--album",)), (signal.SIGINT, ()), (signal.SIGTERM, ()), (signal.SIGHUP, ())],
)
def test_what_is_at_work_is_killed(music: Path, number: int, more: tuple[str, ...]) -> None:
    process = start(call(music, *more))
    engine = wait_for_children(process.pid, 3)
    said, _ = interrupt(process, engine, number)
    assert said == []
    assert list((music.parent / "out").rglob("*.*")) == []


def test_measuring_ends_too(music: Path) -> None:
    process = start([sys.executable, "-m", "sarau", "measure", "--jobs", "2", str(music)])
    interrupt(process, wait_for_children(process.pid, 3))


def test_a_signal_that_the_caller_ignores_stays_ignored(music: Path) -> None:
    process = start(call(music), at_hangup=signal.SIG_IGN)  # As `nohup` does.
    engine = wait_for_children(process.pid, 3)
    process.send_signal(signal.SIGHUP)
    interrupt(process, engine, signal.SIGTERM)
