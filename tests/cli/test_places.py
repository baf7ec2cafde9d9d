"""What others put where renditions go is theirs: it is worked on, and never overwritten."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import mutagen.flac
import pytest
from tests import hls
from tests.commands import sarau
from tests.sounds import write_music

from sarau.audio import Engine
from sarau.cli import albums, batch
from sarau.cli.jobs import plan_jobs
from sarau.cli.progress import Progress
from sarau.model.preset import PRESETS, Format, RenditionSpec

LIVE = (
    "target_lufs = -16\nceiling_dbtp = -1\nrenditions = ["
    '{ format = "aac", bitrate_bps = 128_000 }, { format = "hls" }]'
)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    place = tmp_path / "music"
    place.mkdir()
    write_music(place / "a.wav", seconds=1)
    return place


@pytest.fixture
def live(tmp_path: Path) -> Path:
    path = tmp_path / "live.toml"
    path.write_text(LIVE)
    return path


def process(music: Path, target: Path, *more: str | Path) -> dict[str, dict[str, Any]]:
    """Call it, and return what it says of each file by its way from the music."""
    given = more if "--preset" in more else ("--preset", "archive", *more)
    done = sarau("process", music, "--to", target, "--json", *given)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == any(one["state"] != "ready" for one in told), done.stderr
    return {str(Path(one["file"]).relative_to(music)): one for one in told}


def test_originals_in_the_place_of_renditions_are_worked_on_and_kept(music: Path) -> None:
    write_music(music / "b.wav", seconds=1, seed=2)
    process(music, music)
    mine = [music / name / f"{name}.flac" for name in "ab"]
    for number, path in enumerate(mine, 3):
        own = music.parent / "own"
        own.mkdir(exist_ok=True)
        process(write_music(own / path.with_suffix(".wav").name, seconds=2, seed=number), own)
        (own / path.stem / path.name).replace(path)
    before = [path.read_bytes() for path in mine]
    for more in (("--jobs", "4"), ("--jobs", "4", "--again"), ("--album",), ("--jobs", "1")):
        told = process(music, music, *more)
        states = {name: (one["state"], one.get("code")) for name, one in told.items()}
        assert states == {
            "a.wav": ("failed", "rendition_replaced"),
            "b.wav": ("failed", "rendition_replaced"),
            "a/a.flac": ("ready", None),
            "b/b.flac": ("ready", None),
        }
        assert told["a.wav"]["detail"] == str(mine[0])
        assert [path.read_bytes() for path in mine] == before
        assert (music / "a" / "a" / "a.flac").is_file()
    for path in mine:
        path.rename(music / f"{path.stem} by hand.flac")
    assert {one["state"] for one in process(music, music).values()} == {"ready"}
    assert mine[0].is_file()


def test_a_rendition_that_was_tagged_again_is_kept_until_it_is_taken_away(
    music: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process(music, out)
    tagged = out / "a" / "a.flac"
    with tagged.open("ab") as file:
        file.write(b"TAG")
    before = tagged.read_bytes()
    for more in ((), ("--again",), ("--album",)):
        assert process(music, out, *more)["a.wav"]["code"] == "rendition_replaced"
        assert tagged.read_bytes() == before
    said = sarau("process", music, "--to", out, "--preset", "archive", LANG="pt_BR.UTF-8").stdout
    assert "a.wav: falhou: No lugar de uma versão há outro arquivo" in said
    assert f"({tagged})" in said
    tagged.unlink()
    assert process(music, out)["a.wav"]["state"] == "ready"


def test_tags_that_fit_into_the_room_for_them_are_kept(music: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process(music, out)
    flac = out / "a" / "a.flac"
    length = flac.stat().st_size
    tagged = mutagen.flac.FLAC(flac)
    tagged["mood"] = "saudade"
    tagged.save()
    assert flac.stat().st_size == length
    assert process(music, out)["a.wav"]["made_before"]
    assert process(music, out, "--again")["a.wav"]["code"] == "rendition_replaced"
    assert mutagen.flac.FLAC(flac)["mood"] == ["saudade"]


def test_a_file_of_the_same_length_in_the_place_of_a_rendition_is_kept(
    music: Path, tmp_path: Path
) -> None:
    preset = tmp_path / "wav.toml"
    preset.write_text('target_lufs = -16\nceiling_dbtp = -1\nrenditions = [{ format = "wav" }]')
    call = (music, tmp_path / "out", "--preset", preset)
    process(*call)
    wav = tmp_path / "out" / "a" / "a.wav"
    edited = bytearray(wav.read_bytes())
    edited[-2000:] = bytes(2000)
    wav.write_bytes(edited)
    assert process(*call, "--again")["a.wav"]["code"] == "rendition_replaced"
    assert wav.read_bytes() == edited


def test_what_a_disk_left_empty_is_made_again(music: Path, tmp_path: Path) -> None:
    process(music, tmp_path / "out")
    empty = tmp_path / "out" / "a" / "a.flac"
    empty.write_bytes(b"")
    assert process(music, tmp_path / "out")["a.wav"]["state"] == "ready"
    assert empty.stat().st_size > 0


def test_an_album_that_a_file_stands_in_the_way_of_stays_as_it_is(
    music: Path, tmp_path: Path
) -> None:
    write_music(music / "b.wav", seconds=1, seed=2)
    out = tmp_path / "out"
    call = ("--album", "--preset", "streaming")
    process(music, out, *call)
    (out / "a" / "a.mp3").write_bytes(b"mine")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    told = process(music, out, *call)
    assert {one["code"] for one in told.values()} == {"rendition_replaced"}
    assert {one["detail"] for one in told.values()} == {str(out / "a" / "a.mp3")}
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


class Studio(Engine):
    """Something happens when a track is made, and not moved in yet."""

    made: Callable[[], object]

    def verify(self, *given: Any, **more: Any) -> Any:
        result = super().verify(*given, **more)
        self.made()
        return result


@pytest.mark.parametrize("in_album", [True, False], ids=["album", "tracks"])
@pytest.mark.parametrize("name", ["a.flac", "a.hls/audio_aac-64.mp4"])
def test_what_is_put_there_while_a_track_is_made_is_kept(
    music: Path, tmp_path: Path, live: Path, name: str, *, in_album: bool
) -> None:
    preset = PRESETS["archive"]
    if name != "a.flac":
        process(music, tmp_path / "out", "--preset", live)
        rates = (RenditionSpec("aac", Format.AAC), RenditionSpec("aac-64", Format.AAC, 64_000))
        streams = (*rates, RenditionSpec("hls", Format.HLS))
        preset = replace(preset, target_lufs=-16, ceiling_dbtp=-1, renditions=streams)
    mine = tmp_path / "out" / "a" / name
    mine.parent.mkdir(parents=True, exist_ok=True)
    with Studio() as engine, Progress() as progress:
        engine.made = lambda: mine.write_bytes(b"mine")
        jobs = list(plan_jobs([music], tmp_path / "out"))
        if in_album:
            (done,) = albums.Desk(engine, preset, progress, 1).process(jobs, again=True)
        else:
            done = batch.process(engine, preset, jobs[0], progress, again=True)
    assert done.error is not None
    assert str(done.error.code) == "rendition_replaced"
    assert mine.read_bytes() == b"mine"


def test_what_others_put_into_the_folder_of_a_stream_stays(
    music: Path, tmp_path: Path, live: Path
) -> None:
    call = (music, tmp_path / "out", "--preset", live)
    process(*call)
    folder = tmp_path / "out" / "a" / "a.hls"
    (folder / "index.html").write_text("a player")
    (folder / "icons").mkdir()
    (folder / "icons" / "play.svg").write_text("<svg/>")
    assert process(*call)["a.wav"]["made_before"]
    write_music(music / "a.wav", seconds=2, seed=5)
    assert not process(*call)["a.wav"]["made_before"]
    assert process(*call)["a.wav"]["made_before"]
    assert (folder / "index.html").read_text() == "a player"
    assert (folder / "icons" / "play.svg").read_text() == "<svg/>"
    (folder / "index.html").unlink()
    shutil.rmtree(folder / "icons")
    (media,) = hls.check(folder).values()
    assert media.duration_s == pytest.approx(2, abs=0.05)
    (folder / "index.m3u8").write_text("#EXTM3U\n# by hand\n")
    assert process(*call)["a.wav"]["code"] == "rendition_replaced"
    assert "by hand" in (folder / "index.m3u8").read_text()


def test_a_rate_that_a_stream_has_no_more_is_taken_out_of_its_folder(
    music: Path, tmp_path: Path, live: Path
) -> None:
    more = tmp_path / "more.toml"
    more.write_text(
        LIVE.replace("}, ", '}, { format = "aac", name = "low", bitrate_bps = 64000 }, ')
    )
    process(music, tmp_path / "out", "--preset", more)
    folder = tmp_path / "out" / "a" / "a.hls"
    assert len(hls.check(folder)) == 2
    process(music, tmp_path / "out", "--preset", live)
    assert {path.name for path in folder.iterdir()} == {
        "index.m3u8",
        "audio_aac.m3u8",
        "audio_aac.mp4",
    }


def test_an_original_in_the_folder_of_a_stream_is_a_source(music: Path, live: Path) -> None:
    process(music, music, "--preset", live)
    write_music(music / "a" / "a.hls" / "mine.wav", seconds=1, seed=7)
    found = process(music, music, "--preset", live)
    assert {name: one["made_before"] for name, one in found.items()} == {
        "a.wav": True,
        "a/a.hls/mine.wav": False,
    }
