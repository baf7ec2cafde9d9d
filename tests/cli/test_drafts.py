"""Where renditions wait until they are finished."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from tests.nobody import as_nobody
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
            drafts.remove_left(tmp_path)
            assert {first, second, left} == set(tmp_path.iterdir())
        assert (left / "half.flac").read_bytes() == b"half"
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert list(tmp_path.iterdir()) == [left]
    with drafts.room(tmp_path) as room:
        drafts.remove_left(tmp_path)
        assert list(tmp_path.iterdir()) == [room]
    assert list(tmp_path.iterdir()) == []


LOOK = """
import sys
from pathlib import Path
from sarau.cli import drafts
target, looked = sys.argv[1], []
events = {"os.scandir", "os.listdir"}
sys.addaudithook(lambda event, told: event in events and looked.append(str(told[0])))
for number in range(9):
    with drafts.rooms() as rooms:
        rooms.folder_for(Path(target, str(number)))
print(looked.count(target))
"""


def test_the_folder_of_all_tracks_is_looked_into_once(tmp_path: Path) -> None:
    left = tmp_path / ".sarau-draft-left"
    with drafts.room(tmp_path) as room:
        shutil.copytree(room, left)
    call = [sys.executable, "-c", LOOK, str(tmp_path)]
    assert subprocess.run(call, check=True, capture_output=True, text=True).stdout == "1\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == list("012345678")


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
    drafts.remove_left(tmp_path)
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
    assert elsewhere.stat().st_dev != tmp_path.stat().st_dev
    with tempfile.TemporaryDirectory(dir=elsewhere) as other, drafts.rooms() as rooms:
        (tmp_path / "track").symlink_to(other)
        draft = rooms.folder_for(tmp_path / "track") / "a.flac"
        draft.touch()
        draft.rename(tmp_path / "track" / "a.flac")


MOVE_IN = """
import sys
from pathlib import Path
from sarau.cli import drafts
target = Path(sys.argv[1])
with drafts.rooms() as rooms:
    draft = rooms.folder_for(target) / "a.flac"
    draft.touch()
    draft.rename(target / "a.flac")
"""


@pytest.mark.faults  # needs root
def test_drafts_are_moved_within_a_mount_of_the_same_disk(tmp_path: Path) -> None:
    target = tmp_path / "track"
    target.mkdir()
    mounted = ["unshare", "--mount", "sh", "-ec", 'mount --bind "$0" "$0"; exec "$@"', str(target)]
    subprocess.run([*mounted, sys.executable, "-c", MOVE_IN, str(target)], check=True)
    assert list(tmp_path.iterdir()) == [target]
    assert [path.name for path in target.iterdir()] == ["a.flac"]


def test_drafts_wait_in_the_folder_of_a_track_where_one_may_not_write_beside_it(
    open_place: Path,
) -> None:
    target = open_place / "track"
    target.mkdir()
    target.chmod(0o777)
    open_place.chmod(0o555)
    with as_nobody(), drafts.rooms() as rooms:
        draft = rooms.folder_for(target) / "a.flac"
        assert draft.is_relative_to(target)
        draft.touch()
        draft.rename(target / "a.flac")
    open_place.chmod(0o755)
    assert [path.name for path in target.iterdir()] == ["a.flac"]
