"""Tables in a terminal that has no room for them."""

from pathlib import Path

import pytest
from tests.sounds import write_music
from tests.terminal import COLUMNS, in_terminal


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_music(tmp_path / "a rather long name of a song, as albums have them.wav", seed=1)
    (tmp_path / "lyrics.mp3").write_text("la la la\n" * 100)
    return tmp_path


def test_verdicts_are_whole(place: Path, tmp_path: Path) -> None:
    lines = in_terminal("process", place, "--to", tmp_path / "out")
    assert sum(line.rstrip().endswith("On target") for line in lines) == 4
    assert any("as albums have them.wav" in line for line in lines)
    assert any("lyrics.mp3: rejected" in line for line in lines)
    assert not any("…" in line for line in lines)
    assert max(len(line) for line in lines if "rejected" not in line) <= COLUMNS


def test_figures_are_whole(place: Path) -> None:
    text = "\n".join(in_terminal("measure", place))
    assert "…" not in text
    assert "pcm_s16le stereo" in text
