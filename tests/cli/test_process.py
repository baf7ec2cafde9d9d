"""`sarau process` as a person and as a program would call it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests import hls
from tests.commands import sarau
from tests.recordings import write_melody
from tests.sounds import write_music

from sarau.cli.jobs import find_sources, plan_jobs


@pytest.fixture
def album(tmp_path: Path) -> Path:
    place = tmp_path / "album"
    (place / "disc 2").mkdir(parents=True)
    write_music(place / "01 Aurora.wav", seed=1)
    write_music(place / "disc 2" / "01 Noite.wav", seed=2)
    (place / "cover.txt").write_text("not a track")
    return place


def test_an_album_is_processed_without_a_server_and_shown_as_a_table(
    album: Path, tmp_path: Path
) -> None:
    done = sarau("process", album, "--to", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    made = {str(p.relative_to(out)) for p in out.rglob("*.*") if p.is_file()}
    assert made == {
        f"{place}/{name}.{extension}"
        for place, name in (("01 Aurora", "01 Aurora"), ("disc 2/01 Noite", "01 Noite"))
        for extension in ("flac", "mp3", "m4a", "opus", "sarau.json")
    }
    assert "01 Aurora.wav" in done.stdout
    assert done.stdout.count("On target") == 8
    assert "album LUFS" not in done.stdout
    assert done.stderr == ""


def test_json_is_one_document_a_file(album: Path, tmp_path: Path) -> None:
    (album / "lyrics.mp3").write_text("la la la\n" * 100)
    done = sarau("process", album, "--to", tmp_path / "out", "--preset", "archive", "--json")
    assert done.returncode == 1
    found = [json.loads(line) for line in done.stdout.splitlines()]
    by_name = {Path(one["file"]).name: one for one in found}
    assert {name: one["state"] for name, one in by_name.items()} == {
        "01 Aurora.wav": "ready",
        "01 Noite.wav": "ready",
        "lyrics.mp3": "rejected",
    }
    assert by_name["lyrics.mp3"]["code"] == "not_audio"
    (flac,) = by_name["01 Aurora.wav"]["renditions"]
    assert flac["evidence"]["verdict"] == "not_normalised"
    assert Path(flac["file"]["path"]).is_file()


def test_called_again_it_makes_only_what_is_missing(album: Path, tmp_path: Path) -> None:
    call = ("process", album, "--to", tmp_path / "out", "--preset", "archive", "--json")

    def made_before() -> dict[str, bool]:
        found = [json.loads(line) for line in sarau(*call).stdout.splitlines()]
        return {Path(one["file"]).name: one["made_before"] for one in found}

    assert made_before() == {"01 Aurora.wav": False, "01 Noite.wav": False}
    assert made_before() == {"01 Aurora.wav": True, "01 Noite.wav": True}
    next((tmp_path / "out" / "01 Aurora").glob("*.flac")).unlink()
    write_music(album / "disc 2" / "01 Noite.wav", seed=3, seconds=3)
    assert made_before() == {"01 Aurora.wav": False, "01 Noite.wav": False}


def test_measure_prints_what_engineers_read_and_writes_nothing(album: Path) -> None:
    before = sorted(album.rglob("*"))
    done = sarau("measure", album)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in ("I LUFS", "LRA LU", "TP dBTP", "01 Noite.wav"))
    (first, *_) = sarau("measure", album, "--json").stdout.splitlines()
    assert -30 < json.loads(first)["loudness"]["integrated_lufs"] < -10
    assert sorted(album.rglob("*")) == before


def test_an_hls_set_is_a_folder_that_any_web_server_can_serve(album: Path, tmp_path: Path) -> None:
    (tmp_path / "live.toml").write_text(
        "target_lufs = -16\nceiling_dbtp = -1\nrenditions = ["
        '{ format = "aac", bitrate_bps = 128_000 }, { format = "hls" }]'
    )
    call = ("process", album, "--to", tmp_path / "out", "--preset", tmp_path / "live.toml")
    assert sarau(*call).returncode == 0
    folder = tmp_path / "out" / "01 Aurora" / "01 Aurora.hls"
    assert list(hls.check(folder)) == ["audio_aac.m3u8"]
    again = [json.loads(line) for line in sarau(*call, "--json").stdout.splitlines()]
    assert [one["made_before"] for one in again] == [True, True]
    (folder / "index.m3u8").write_text("")
    again = [json.loads(line) for line in sarau(*call, "--json").stdout.splitlines()]
    assert sorted(one["made_before"] for one in again) == [False, True]
    assert hls.check(folder)


def test_what_it_made_is_no_source_wherever_it_lies(album: Path) -> None:
    for target in (album / "out", album):
        call = ("process", ".", "--to", target, "--preset", "archive", "--json")
        for is_old in (False, True):
            done = sarau(*call, place=album)
            found = {one["file"]: one for one in map(json.loads, done.stdout.splitlines())}
            assert found.keys() == {"01 Aurora.wav", "disc 2/01 Noite.wav"}
            assert {one["made_before"] for one in found.values()} == {is_old}
        # What is named itself is no source for its own folder either.
        again = sarau("process", *target.rglob("*.flac"), "--to", target, "--json")
        assert (again.returncode, again.stdout) == (0, "")
        elsewhere = list(plan_jobs([album], album.parent / "elsewhere"))
        assert {job.path.name for job in elsewhere} == {"01 Aurora.wav", "01 Noite.wav"}
        assert {path.name for path, _ in find_sources([album])} == {"01 Aurora.wav", "01 Noite.wav"}
        made = next(target.rglob("*.flac"))
        assert [path for path, _ in find_sources([made])] == [made]
        assert [job.path for job in plan_jobs([made], album.parent / "elsewhere")] == [made]
        shutil.rmtree(album / "out", ignore_errors=True)


def test_files_of_one_name_are_all_made_and_found_again(tmp_path: Path) -> None:
    out, years = tmp_path / "out", []
    for year in range(2019, 2022):
        (tmp_path / str(year)).mkdir()
        years.append(write_music(tmp_path / str(year) / "01.wav", seed=year))
    assert sarau("process", *years, "--to", out, "--preset", "archive").returncode == 0
    assert len({path.read_bytes() for path in out.rglob("*.flac")}) == 3
    done = sarau(
        "process", years[1], "--to", "out", "--preset", "archive", "--json", place=tmp_path
    )
    found = json.loads(done.stdout)
    assert found["made_before"]
    # Old results are told as they are reached from here.
    assert found["renditions"][0]["file"]["path"] == "out/01.wav/01.flac"


def test_two_files_that_differ_in_their_suffix_do_not_meet(album: Path, tmp_path: Path) -> None:
    (album / "01 Aurora.aiff").write_bytes((album / "01 Aurora.wav").read_bytes())
    done = sarau("process", album, "--to", tmp_path / "out", "--preset", "archive")
    assert done.returncode == 0, done.stdout
    assert len(list((tmp_path / "out").rglob("*.flac"))) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ("process",),
        ("process", "nothing.wav", "--to", "out"),
        ("process", ".", "--to", "out", "--preset", "loudest"),
        ("serve", "--port", "99999"),
        ("frobnicate",),
    ],
)
def test_a_wrong_call_exits_with_2_and_says_why(arguments: tuple[str, ...], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sarau", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert "Error" in done.stderr


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    config = tmp_path / "sarau.toml"
    config.write_text('colour = "red"\n')
    done = sarau("serve", "--config", config)
    assert (done.returncode, "colour" in done.stderr) == (2, True)


@pytest.mark.parametrize("command", ["serve", "process", "measure", "upload", "preset", "doctor"])
def test_every_command_explains_itself(command: str) -> None:
    assert command in sarau("--help").stdout
    done = sarau(command, "--help")
    assert done.returncode == 0
    assert "Usage: " in done.stdout


HEAVY = ("alembic", "av", "boto3", "dbos", "fastapi", "numpy", "PIL", "sqlalchemy", "uvicorn")


def test_nothing_heavy_is_loaded_where_no_sound_is_decoded(tmp_path: Path) -> None:
    (tmp_path / "no sound.wav").write_bytes(b"x")
    script = (
        "import sys\n"
        "from sarau.cli.main import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "except SystemExit as ended:\n"
        "    print(ended.code, *sys.modules)\n"
    )
    arguments = ["process", str(tmp_path / "no sound.wav"), "--to", str(tmp_path / "out"), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )
    report, loaded = done.stdout.splitlines()
    assert json.loads(report)["state"] == "rejected"
    code, *modules = loaded.split()
    assert code == "1"
    assert "sarau.audio" in modules
    assert set(HEAVY).isdisjoint(modules)


def test_the_same_recording_in_two_files_of_a_call_is_told(tmp_path: Path) -> None:
    album = tmp_path / "album"
    album.mkdir()
    write_melody(album / "1 master.wav", seed=1)
    write_melody(album / "2 other <b>.wav", seed=2)
    write_melody(album / "3 late.wav", seed=1, skip_s=4.2, gain=0.4)
    out = tmp_path / "out"
    call = ("process", album, "--to", out, "--preset", "archive", "--jobs", "1")
    done = sarau(*call, "--json")
    assert done.returncode == 0, done.stderr
    by_name = {Path(one["file"]).name: one for one in map(json.loads, done.stdout.splitlines())}
    # A file is told of those that were ready before it.
    told = {name: one["sounds_like"] for name, one in by_name.items() if one["sounds_like"]}
    ((name, (found,)),) = told.items()
    assert {name, Path(found["file"]).name} == {"1 master.wav", "3 late.wav"}
    assert found["score"] > 0.75
    assert abs(found["offset_s"]) == pytest.approx(4.2, abs=0.1)
    assert by_name["1 master.wav"]["insight"]["fingerprint"].startswith("AQ")
    # A second call makes nothing and knows all the same.
    again = sarau(*call, "--report", out)
    assert "Sounds like " in again.stdout
    assert "4.2" in again.stdout
    report = (out / "report.html").read_text()
    assert report.count("Sounds like <a href=") == 1
