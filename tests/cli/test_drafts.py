"""Where renditions wait until they are finished."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sarau.cli import drafts
from sarau.cli.jobs import find_sources

FILL_AND_WAIT = """
import sys
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
