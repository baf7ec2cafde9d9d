"""Where renditions wait until they are finished."""

import fcntl
import os
from pathlib import Path

from sarau.cli.batch import draft_room
from sarau.cli.jobs import Job


def test_what_a_killed_process_left_is_removed_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    job = Job(tmp_path / "a.wav", tmp_path / "a")
    left, others = job.out_dir / ".sarau-left", job.out_dir / ".sarau-others"
    for folder in (left, others):
        folder.mkdir(parents=True)
        (folder / "half.flac").touch()
    number = os.open(others, os.O_RDONLY)
    fcntl.flock(number, fcntl.LOCK_EX)
    with draft_room(job) as first, draft_room(job) as second:
        assert {Path(first), Path(second), others} == set(job.out_dir.iterdir())
    os.close(number)
    assert list(job.out_dir.iterdir()) == [others]
