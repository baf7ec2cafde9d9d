"""What a receipt says was made of a file is never of another version of it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.sounds import write_music

from sarau.audio import Engine
from sarau.cli import albums, batch, places, receipts
from sarau.cli.jobs import Job, find_sources, plan_jobs
from sarau.cli.progress import Progress
from sarau.model.preset import PRESETS, Format, Preset, RenditionSpec

ARCHIVE = PRESETS["archive"]
LIVE = Preset(
    "live",
    target_lufs=-16,
    ceiling_dbtp=-1,
    renditions=(RenditionSpec("aac", Format.AAC, 128_000), RenditionSpec("hls", Format.HLS)),
)


class Studio(Engine):
    """Something happens to the source as soon as it is analysed, or made."""

    analysed = staticmethod(lambda _source: None)
    made = staticmethod(lambda _source: None)

    def render(self, source: Path, *given: Any, **more: Any) -> Any:
        self.analysed(source)
        return super().render(source, *given, **more)

    def verify(self, source: Path, *given: Any, **more: Any) -> Any:
        result = super().verify(source, *given, **more)
        self.made(source)
        return result


@pytest.fixture(scope="module")
def running() -> Iterator[Studio]:
    with Studio() as engine:
        yield engine


@pytest.fixture
def studio(running: Studio) -> Studio:
    running.analysed = running.made = lambda _source: None
    return running


@pytest.fixture(params=[True, False], ids=["album", "tracks"])
def in_album(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    (tmp_path / "music").mkdir()
    for seed in (1, 2):
        write_music(tmp_path / "music" / f"{seed}.wav", seed=seed)
    return tmp_path / "music"


def process(studio: Studio, music: Path, *, in_album: bool) -> dict[str, batch.Processed]:
    jobs = list(plan_jobs([music], music.parent / "out"))
    with Progress() as progress:
        if in_album:
            done = albums.Desk(studio, ARCHIVE, progress, 1).process(jobs, again=False)
        else:
            done = [batch.process(studio, ARCHIVE, job, progress, again=False) for job in jobs]
    return {one.path.name: one for one in done}


def export_again(source: Path) -> None:
    """Write other music of the same length."""
    if source.name == "1.wav":
        write_music(source, seed=9)


def delete(source: Path) -> None:
    if source.name == "1.wav":
        source.unlink(missing_ok=True)


@pytest.mark.parametrize("when", ["analysed", "made"])
def test_a_source_that_is_exported_again_meanwhile_is_not_done(
    studio: Studio, music: Path, when: str, *, in_album: bool
) -> None:
    setattr(studio, when, export_again)
    found = process(studio, music, in_album=in_album)
    assert found["1.wav"].error is not None
    assert found["1.wav"].error.code == "source_damaged"
    assert found["2.wav"].error is None
    assert not list((music.parent / "out" / "1").iterdir())
    setattr(studio, when, lambda _source: None)
    found = process(studio, music, in_album=in_album)
    assert found["1.wav"].error is None
    assert not found["1.wav"].is_old
    assert all(one.is_old for one in process(studio, music, in_album=in_album).values())


def test_a_source_that_is_deleted_meanwhile_stops_nobody_else(
    studio: Studio, music: Path, *, in_album: bool
) -> None:
    studio.analysed = delete
    found = process(studio, music, in_album=in_album)
    assert found["1.wav"].error is not None
    assert found["1.wav"].error.code == "source_missing"
    assert found["2.wav"].error is None


def test_a_source_that_is_deleted_when_all_is_made_is_done(
    studio: Studio, music: Path, *, in_album: bool
) -> None:
    studio.made = delete
    found = process(studio, music, in_album=in_album)
    assert [one.error for one in found.values()] == [None, None]
    assert (music.parent / "out" / "1" / "1.flac").is_file()


def test_a_source_that_is_gone_before_its_turn_stops_nobody_else(
    studio: Studio, music: Path, *, in_album: bool
) -> None:
    jobs = list(plan_jobs([music], music.parent / "out"))
    delete(music / "1.wav")
    with Progress() as progress:
        if in_album:
            done = albums.Desk(studio, ARCHIVE, progress, 1).process(jobs, again=False)
        else:
            done = [batch.process(studio, ARCHIVE, job, progress, again=False) for job in jobs]
    assert {one.path.name: one.error and str(one.error.code) for one in done} == {
        "1.wav": "source_missing",
        "2.wav": None,
    }


def test_a_folder_that_cannot_be_written_to_stops_nobody_else(
    studio: Studio, music: Path, *, in_album: bool
) -> None:
    (music / "disc").mkdir()
    write_music(music / "disc" / "3.wav")
    (music.parent / "out").mkdir()
    (music.parent / "out" / "disc").touch()
    found = process(studio, music, in_album=in_album)
    codes = [one.error and str(one.error.code) for one in found.values()]
    assert sorted(map(str, codes)) == ["None", "None", "disk_error"]


def test_a_track_with_the_longest_name_is_made_and_found_again(
    studio: Studio, music: Path, *, in_album: bool
) -> None:
    name = "日" * 83 + ".wav"
    (music / "1.wav").rename(music / name)
    first = process(studio, music, in_album=in_album)[name]
    assert first.error is None
    assert first.renditions[0].file.path.name.startswith("日" * 60)
    assert process(studio, music, in_album=in_album)[name].is_old


def make(studio: Studio, source: Path, target: Path, preset: Preset) -> batch.Processed:
    (job,) = plan_jobs([source], target)
    with Progress() as progress:
        done = batch.process(studio, preset, job, progress, again=False)
    assert done.error is None
    return done


def sources(folder: Path) -> list[Path]:
    return [path for path, _ in find_sources([folder])]


def test_what_was_made_for_an_earlier_preset_is_no_source(studio: Studio, tmp_path: Path) -> None:
    source, out = write_music(tmp_path / "a.wav", seconds=1), tmp_path / "out"
    for preset in (LIVE, ARCHIVE):
        make(studio, source, out, preset)
    made = {path.name for path in (out / "a").iterdir()}
    assert made == {"a.m4a", "a.hls", "a.flac", "a.sarau.json"}
    assert sources(out) == []


def test_what_was_moved_in_before_its_receipt_was_written_is_no_source(
    studio: Studio, tmp_path: Path
) -> None:
    source, out = write_music(tmp_path / "a.wav", seconds=1), tmp_path / "out"
    done = make(studio, source, out, ARCHIVE)
    (flac,) = done.renditions
    draft = flac.file.path.rename(tmp_path / "draft.flac")
    (out / "a" / "a.sarau.json").unlink()
    draft = replace(flac, file=replace(flac.file, path=draft))
    places.move_in(receipts.Source.of(source), Job(source, out / "a"), [draft])
    assert flac.file.path.is_file()
    assert sources(out) == []


def test_what_is_still_there_of_an_earlier_call_is_no_source_when_the_next_one_is_killed(
    studio: Studio, tmp_path: Path
) -> None:
    source, out = write_music(tmp_path / "a.wav", seconds=1), tmp_path / "out"
    make(studio, source, out, ARCHIVE)
    receipts.claim(receipts.Source.of(source), out / "a", {"a.flac": 1}, {})
    assert sources(out) == []


def test_an_original_in_the_place_of_a_rendition_is_a_source(
    studio: Studio, tmp_path: Path
) -> None:
    source, out = write_music(tmp_path / "a.wav", seconds=1), tmp_path / "out"
    (flac,) = make(studio, source, out, ARCHIVE).renditions
    flac.file.path.write_bytes(b"an original")
    assert sources(out) == [flac.file.path]


def test_a_receipt_of_an_older_version_is_still_read(studio: Studio, tmp_path: Path) -> None:
    source, out = write_music(tmp_path / "a.wav", seconds=1), tmp_path / "out"
    make(studio, source, out, LIVE)
    receipt = out / "a" / "a.sarau.json"
    told = json.loads(receipt.read_text())
    assert {"a.m4a", "a.hls"} <= told.pop("names").keys()
    receipt.write_text(json.dumps(told))
    assert sources(out) == []
    assert make(studio, source, out, LIVE).is_old
    make(studio, source, out, ARCHIVE)
    assert sources(out) == []


def test_a_stream_beside_its_source_is_no_source(studio: Studio, tmp_path: Path) -> None:
    source = write_music(tmp_path / "a.wav", seconds=1)
    (job,) = plan_jobs([tmp_path], tmp_path)
    with Progress() as progress:
        done = batch.process(studio, LIVE, job, progress, again=False)
    assert done.error is None
    assert (tmp_path / "a" / "a.hls" / "audio_aac.mp4").is_file()
    mine = tmp_path / "mine.hls" / "b.wav"
    mine.parent.mkdir()
    mine.touch()
    assert [each.path for each in plan_jobs([tmp_path], tmp_path)] == [source, mine]
