"""`sarau process --album`, as a person would call it."""

import json
import re
from pathlib import Path
from typing import Any

import mutagen
import pytest
from tests.commands import sarau
from tests.sounds import write_music

SMALL = """
target_lufs = -16
ceiling_dbtp = -1
renditions = [{ format = "flac" }, { format = "opus", bitrate_bps = 96_000 }]
"""


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(SMALL)
    for folder, seeds in (("first", (1, 2)), ("second", (3,))):
        (tmp_path / "music" / folder).mkdir(parents=True)
        for seed in seeds:
            write_music(tmp_path / "music" / folder / f"{seed}.wav", seed=seed, seconds=1 + seed)
    return tmp_path


def _call(shelf: Path) -> list[str | Path]:
    source, preset = shelf / "music", shelf / "small.toml"
    return ["process", "--album", source, "--to", shelf / "out", "--preset", preset]


def process(shelf: Path, *more: str) -> tuple[int, dict[str, dict[str, Any]]]:
    done = sarau(*_call(shelf), *more, "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {Path(one["file"]).name: one for one in lines}


def test_each_folder_is_an_album_with_one_gain(shelf: Path) -> None:
    code, found = process(shelf)
    assert code == 0
    tracks = {
        name: one["renditions"][0]["evidence"]["album"]["tracks"] for name, one in found.items()
    }
    assert tracks == {"1.wav": 2, "2.wav": 2, "3.wav": 1}
    gains = {one["renditions"][0]["evidence"]["gain_db"] for one in found.values()}
    assert len(gains) == 2
    (flac,) = (shelf / "out" / "first" / "1").glob("*.flac")
    assert "replaygain_album_gain" in mutagen.File(flac)
    (opus,) = (shelf / "out" / "first" / "1").glob("*.opus")
    assert "r128_album_gain" in mutagen.File(opus)
    assert not list((shelf / "out").rglob(".sarau-*"))


def test_an_album_is_made_again_when_one_of_its_tracks_changes(shelf: Path) -> None:
    def made_before() -> dict[str, bool]:
        return {name: one["made_before"] for name, one in process(shelf)[1].items()}

    assert made_before() == {"1.wav": False, "2.wav": False, "3.wav": False}
    assert made_before() == {"1.wav": True, "2.wav": True, "3.wav": True}
    write_music(shelf / "music" / "first" / "2.wav", seed=7)
    assert made_before() == {"1.wav": False, "2.wav": False, "3.wav": True}
    write_music(shelf / "music" / "second" / "4.wav", seed=4)
    assert made_before() == {"1.wav": True, "2.wav": True, "3.wav": False, "4.wav": False}


def test_an_album_that_a_track_was_added_to_is_made_once(shelf: Path) -> None:
    assert process(shelf)[0] == 0
    write_music(shelf / "music" / "first" / "0 intro.wav", seed=8)
    _, found = process(shelf)
    assert {name for name, one in found.items() if one["made_before"]} == {"3.wav"}
    _, found = process(shelf)
    assert {name for name, one in found.items() if not one["made_before"]} == set()


def test_a_track_that_broke_is_no_part_of_its_album_any_more(shelf: Path) -> None:
    assert process(shelf)[0] == 0
    (shelf / "music" / "first" / "2.wav").write_text("no music " * 100)

    def made_before() -> dict[str, bool | None]:
        code, found = process(shelf)
        assert (code, found["2.wav"]["code"]) == (1, "not_audio")
        return {name: one.get("made_before") for name, one in found.items()}

    assert made_before() == {"1.wav": False, "2.wav": None, "3.wav": True}
    assert made_before() == {"1.wav": True, "2.wav": None, "3.wav": True}


def test_what_is_rejected_is_no_part_of_its_album(shelf: Path) -> None:
    (shelf / "music" / "first" / "lyrics.mp3").write_text("la la la\n" * 100)
    code, found = process(shelf)
    assert code == 1
    assert found["lyrics.mp3"]["code"] == "not_audio"
    assert found["1.wav"]["renditions"][0]["evidence"]["album"]["tracks"] == 2
    code, found = process(shelf)
    assert code == 1
    assert found["lyrics.mp3"]["code"] == "not_audio"
    assert found["1.wav"]["made_before"]


def test_the_table_says_that_it_was_the_album(shelf: Path) -> None:
    report = shelf / "report.html"
    done = sarau(*_call(shelf), "--report", report)
    assert done.returncode == 0, done.stdout
    assert "album LUFS   verdict" in done.stdout
    assert len(re.findall(r" -1\d\.\d\d +On target", done.stdout)) == 6
    assert report.read_text().count("(album: -1") == 6
