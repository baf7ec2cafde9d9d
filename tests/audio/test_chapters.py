"""Chapters: read from what was sent, in every rendition, as ffprobe and mutagen read them."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import mutagen
import mutagen.flac
import mutagen.mp4
import pytest
from tests.audio.kitchen import Kitchen
from tests.audio.meters import decode, probe
from tests.audio.studio import STREAMING, Work

from sarau.audio import Chapter, Engine
from sarau.model.preset import Format, RenditionSpec

SHOW = (Chapter(0.0, "Abertura"), Chapter(1.25, "Conversa = boa; 間奏"), Chapter(4.002, ""))
ALL = replace(
    STREAMING,
    renditions=(
        *STREAMING.renditions,
        RenditionSpec("wav", Format.WAV),
        RenditionSpec("alac", Format.ALAC),
    ),
)


def ffmetadata(chapters: tuple[Chapter, ...], until_s: float = 6.0) -> str:
    ends = [*(each.start_s for each in chapters[1:]), until_s]
    lines = [";FFMETADATA1", "title=Programa"]
    for each, end_s in zip(chapters, ends, strict=True):
        title = each.title.replace("=", "\\=").replace(";", "\\;")
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={each.start_s * 1000:.0f}"]
        lines += [f"END={end_s * 1000:.0f}", f"title={title}"]
    return "\n".join(lines) + "\n"


def marked(kitchen: Kitchen, place: Path, suffix: str, chapters: tuple[Chapter, ...]) -> Path:
    """Let ffmpeg make a file with chapters; mutagen writes the comments ffmpeg does not."""
    said, path = place / "chapters.txt", place / f"marked.{suffix}"
    said.write_text(ffmetadata(chapters))
    given = ["-i", str(kitchen.place / "ok.wav"), "-i", str(said), "-map", "0:a"]
    with_chapters = [] if suffix in {"flac", "ogg"} else ["-map_chapters", "1"]
    codec = ["-c:a", "libvorbis"] if suffix == "ogg" else []
    kitchen.ffmpeg(*given, "-map_metadata", "1", *with_chapters, *codec, str(path))
    if not with_chapters:
        file = mutagen.File(path)
        for number, each in enumerate(chapters):
            seconds = f"00:00:{each.start_s:06.3f}"
            file[f"CHAPTER{number:03}"] = seconds
            file[f"CHAPTER{number:03}NAME"] = each.title
        file.save()
    return path


def probed(path: Path) -> list[tuple[float, float, str]]:
    """Return start, end and title of each chapter as ffprobe reads them."""
    command = ["ffprobe", "-v", "error", "-show_chapters", "-of", "json", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [
        (float(one["start_time"]), float(one["end_time"]), one.get("tags", {}).get("title", ""))
        for one in json.loads(done.stdout)["chapters"]
    ]


@pytest.mark.parametrize("suffix", ["mp3", "m4a", "mka", "flac", "ogg"])
def test_they_are_read_from_every_container(
    engine: Engine, kitchen: Kitchen, tmp_path: Path, suffix: str
) -> None:
    source = engine.analyse(marked(kitchen, tmp_path, suffix, SHOW)).source
    # Of a nameless chapter FFmpeg writes no title into an MP3, and reads the frame's name.
    nameless = "ch2" if suffix == "mp3" else ""
    assert source.chapters == (*SHOW[:2], replace(SHOW[2], title=nameless))
    assert not [key for key in source.tags if "chapter" in key]
    assert source.tags["title"] == "Programa"


def test_every_rendition_has_them_as_players_read_them(
    work: Callable[..., Work], kitchen: Kitchen, tmp_path: Path
) -> None:
    made = work(marked(kitchen, tmp_path, "mka", SHOW).read_bytes(), ALL)
    paths = {name: each.file.path for name, each in made.renditions.items()}
    for name in ("flac", "mp3", "aac", "opus", "alac"):
        found = probed(paths[name])
        starts = pytest.approx([each.start_s for each in SHOW], abs=0.001)  # a sample's, in m4a
        assert [start for start, _, _ in found] == starts, name
        titles = [SHOW[0].title, SHOW[1].title, "3" if name == "mp3" else ""]
        assert [title for _, _, title in found] == titles, name
        assert [end for _, end, _ in found[:-1]] == [start for start, _, _ in found[1:]], name
        assert found[-1][1] == pytest.approx(6.0, abs=0.01), name
    end_ms = int(made.analysis.source.duration_s * 1000)
    for name in ("mp3", "wav"):
        tags = mutagen.File(paths[name]).tags
        (contents,) = tags.getall("CTOC")
        chapters = {one.element_id: one for one in tags.getall("CHAP")}
        listed = [chapters[one] for one in contents.child_element_ids]
        assert [one.start_time for one in listed] == [0, 1250, 4002], name
        assert [one.end_time for one in listed] == [1250, 4002, end_ms], name
        assert [str(one.sub_frames["TIT2"]) for one in listed[:2]] == [SHOW[0].title, SHOW[1].title]
    for name in ("aac", "alac"):  # Nero's list, beside the track that ffprobe read
        told = mutagen.mp4.MP4(paths[name]).chapters
        assert [one.title for one in told] == [each.title for each in SHOW], name
        assert [one.start for one in told] == pytest.approx(
            [each.start_s for each in SHOW], abs=0.001
        )
    for name in ("flac", "opus"):
        tags = mutagen.File(paths[name])
        assert tags["chapter002"] == ["00:00:01.250"], name
        assert tags["chapter002name"] == [SHOW[1].title], name


def test_the_length_is_exact_beside_a_track_of_chapters(
    work: Callable[..., Work], kitchen: Kitchen, tmp_path: Path
) -> None:
    made = work(marked(kitchen, tmp_path, "m4a", SHOW).read_bytes(), ALL)
    samples = made.analysis.source.samples
    assert probe(made.renditions["aac"].file.path)["duration_ts"] == samples
    assert len(decode(made.renditions["alac"].file.path, "-map", "0:a:0")) == 4 * samples
    assert {each.evidence.samples for each in made.renditions.values()} >= {samples}
    assert made.renditions["aac"].evidence.samples == samples


def test_a_file_without_chapters_gets_none(work: Callable[..., Work], kitchen: Kitchen) -> None:
    made = work(kitchen.wav, ALL)
    assert made.analysis.source.chapters == ()
    assert [probed(each.file.path) for each in made.renditions.values()] == [[]] * 6


def test_what_is_out_of_order_or_outside_the_sound_is_put_right(
    engine: Engine, kitchen: Kitchen, tmp_path: Path
) -> None:
    path = tmp_path / "odd.flac"
    path.write_bytes(kitchen.flac())
    file = mutagen.flac.FLAC(path)
    for number, (start, title) in enumerate(
        [("00:00:03.000", "third"), ("00:00:00.000", "first\x07\n"), ("00:00:03.000", "again"),
         ("09:00:00.000", "after the end"), ("00:00:02.000", "second")]
    ):  # fmt: skip
        file[f"CHAPTER{number:03}"], file[f"CHAPTER{number:03}NAME"] = start, title
    file.save()
    found = engine.analyse(path).source.chapters
    assert found == (Chapter(0.0, "first"), Chapter(2.0, "second"), Chapter(3.0, "third"))


def test_thousands_of_chapters_and_endless_titles_are_bounded(
    work: Callable[..., Work], kitchen: Kitchen, tmp_path: Path
) -> None:
    many = tuple(Chapter(number / 500, "間奏" * 500) for number in range(2500))
    made = work(marked(kitchen, tmp_path, "mka", many).read_bytes(), ALL)
    kept = made.analysis.source.chapters
    assert len(kept) == 255
    assert all(len(each.title.encode()) <= 255 for each in kept)
    assert kept[0].title
    for name in ("flac", "mp3", "aac", "opus"):
        assert len(probed(made.renditions[name].file.path)) == 255, name


def test_tags_of_any_size_can_be_carried(
    work: Callable[..., Work], kitchen: Kitchen, tmp_path: Path
) -> None:
    path = tmp_path / "wordy.flac"
    path.write_bytes(kitchen.flac())
    file = mutagen.flac.FLAC(path)
    for number in range(64):
        file[f"note {number}"] = "間" * 1000
    file.save()
    made = work(path.read_bytes())
    assert 5 < len(made.analysis.source.tags) < 64
    assert set(made.renditions) == {"flac", "mp3", "aac", "opus"}
