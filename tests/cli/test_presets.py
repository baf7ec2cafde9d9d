"""Presets on the command line: from a file, and of an installation."""

import json
import sqlite3
from pathlib import Path

import pytest
from tests.commands import sarau
from tests.meters import ebur128
from tests.sounds import write_music

CLUB = """
target_lufs = -20
ceiling_dbtp = -3
renditions = [
  { format = "mp3", name = "mp3-320", bitrate_bps = 320_000 },
  { format = "mp3", name = "mp3-v2", quality = 2 },
  { format = "aac", bitrate_bps = 96_000 },
  { format = "opus", bitrate_bps = 64_000 },
  { format = "wav", bit_depth = 16 },
  { format = "alac", bit_depth = 24 },
  { format = "flac", quality = 8 },
]
"""


@pytest.fixture
def club(tmp_path: Path) -> Path:
    path = tmp_path / "club.toml"
    path.write_text(CLUB)
    return path


def test_a_preset_from_a_file_is_rendered_in_every_format(club: Path, tmp_path: Path) -> None:
    song = write_music(tmp_path / "song.wav", seconds=4)
    done = sarau("process", song, "--to", tmp_path / "out", "--preset", club)
    assert done.returncode == 0, done.stdout + done.stderr
    made = {path.name: path for path in (tmp_path / "out" / "song").iterdir()}
    assert made.keys() == {
        "song (mp3-320).mp3", "song (mp3-v2).mp3", "song (aac).m4a", "song (alac).m4a",
        "song.opus", "song.wav", "song.flac", "song.sarau.json",
    }  # fmt: skip
    del made["song.sarau.json"]
    for name, path in made.items():
        integrated_lufs, true_peak_dbtp = ebur128(path)
        assert abs(integrated_lufs - -20.0) <= 0.3, name
        assert true_peak_dbtp <= -3.0 + 0.05, name


def test_presets_of_an_installation_are_added_listed_and_removed(
    club: Path, tmp_path: Path
) -> None:
    data = ("--data", tmp_path / "data")
    assert sarau("preset", "add", club, *data).stdout.startswith("club: -20 LUFS")
    assert sarau("preset", "add", club, *data).returncode == 3
    club.write_text(CLUB.replace("-20", "-21"))
    assert sarau("preset", "add", club, "--replace", *data).returncode == 0
    listed = [json.loads(x) for x in sarau("preset", "list", "--json", *data).stdout.splitlines()]
    own = {one["name"]: one["target_lufs"] for one in listed if not one["built_in"]}
    assert own == {"club": -21.0}
    assert len(listed) == 6
    assert sarau("preset", "remove", "club", *data).returncode == 0
    assert sarau("preset", "remove", "streaming", *data).returncode == 3
    assert "club" not in sarau("preset", "list", *data).stdout


@pytest.mark.parametrize(
    "text", ["target_lufs = ", "ceiling_dbtp = -1\nrenditions = [{ format = 'exe' }]", "x = 1"]
)
def test_a_file_that_defines_no_preset_is_a_wrong_call(text: str, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(text)
    write_music(tmp_path / "song.wav", seconds=1)
    call = ("process", "song.wav", "--to", "out", "--preset", "bad.toml")
    done = sarau(*call, place=tmp_path)
    assert done.returncode == 2
    assert "bad.toml" in done.stderr


def test_a_folder_named_like_an_own_preset_chooses_it(club: Path, tmp_path: Path) -> None:
    data = ("--data", tmp_path / "data")
    assert sarau("preset", "add", club, *data).returncode == 0
    (tmp_path / "in" / "club").mkdir(parents=True)
    write_music(tmp_path / "in" / "club" / "song.wav", seconds=1)
    assert sarau("import", tmp_path / "in", *data, "--preset", "loudest").returncode == 3
    (line,) = sarau("import", tmp_path / "in", *data, "--json").stdout.splitlines()
    assert json.loads(line)["state"] == "received"
    (database,) = (tmp_path / "data").glob("*.db")
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT preset FROM tracks").fetchall() == [("club",)]
