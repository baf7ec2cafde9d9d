"""Where renditions wait until they are finished."""

import errno
import os
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from tests.sounds import write_music

from sarau.audio import Engine
from sarau.cli import albums, drafts
from sarau.cli.jobs import find_sources, plan_jobs
from sarau.cli.progress import Progress
from sarau.model.preset import PRESETS

FILL_AND_WAIT = """
import sys
import tempfile
from pathlib import Path
from sarau.cli import drafts
with drafts.room(Path(sys.argv[1])) as room:
    (room / "half.hls").mkdir()
    for name in ("half.flac", "half.hls/audio.mp4"):
        (room / name).write_bytes(b"half")
    print(room, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_process_left_is_removed_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    call = [sys.executable, "-c", FILL_AND_WAIT, str(tmp_path)]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        left = Path(other.stdout.readline().rstrip())
        with drafts.room(tmp_path) as first, drafts.room(tmp_path) as second:
            assert {first, second, left} == set(tmp_path.iterdir())
        assert (left / "half.flac").read_bytes() == b"half"
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert list(tmp_path.iterdir()) == [left]
    with drafts.room(tmp_path) as room:
        assert list(tmp_path.iterdir()) == [room]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [".sarau-notes", ".sarau-draft-", ".sarau-draft-notes"])
def test_a_folder_of_somebody_is_kept_and_searched_whatever_its_name(
    tmp_path: Path, name: str
) -> None:
    mine = tmp_path / name / "mine.wav"
    mine.parent.mkdir()
    mine.write_bytes(b"precious")
    with drafts.room(tmp_path) as room:
        (mine.parent / "made-by-sarau.txt").write_text("as I told her")
        (room / "half.wav").touch()
        assert [path for path, _ in find_sources([tmp_path])] == [mine]
    with drafts.room(tmp_path):
        assert mine.read_bytes() == b"precious"


class Counting(Engine):
    """Counts the files that are open when a track is made."""

    counted: list[int]

    def verify(self, *given: Any, **more: Any) -> Any:
        self.counted.append(len(list(Path("/proc/self/fd").iterdir())))
        return super().verify(*given, **more)


def test_an_album_keeps_no_file_open_for_each_of_its_tracks(tmp_path: Path) -> None:
    for name in ("1", "2", "3"):
        write_music(tmp_path / f"{name}.wav", seconds=1)
    jobs = list(plan_jobs([tmp_path], tmp_path / "out"))
    with Counting() as engine, Progress() as progress:
        engine.counted = []
        desk = albums.Desk(engine, PRESETS["archive"], progress, workers=1)
        assert [one.error for one in desk.process(jobs, again=False)] == [None] * 3
    assert len(engine.counted) == 3
    assert len(set(engine.counted)) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1", "2", "3"]


def test_a_room_that_finds_too_many_open_files_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, most))
    try:
        with pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
            drafts.room(tmp_path).__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    assert list(tmp_path.iterdir()) == []


def test_drafts_are_moved_within_a_disk(tmp_path: Path) -> None:
    elsewhere = Path("/dev/shm")
    if elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs two disks")
    with tempfile.TemporaryDirectory(dir=elsewhere) as other, drafts.rooms() as rooms:
        (tmp_path / "track").symlink_to(other)
        draft = rooms.folder_for(tmp_path / "track") / "a.flac"
        draft.touch()
        draft.rename(tmp_path / "track" / "a.flac")
