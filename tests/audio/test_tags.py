"""Tags and covers: what a source says comes out of every rendition, in its format's own way."""

import base64
import io
import shutil
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import mutagen
import mutagen.flac
import mutagen.id3
import mutagen.mp4
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageOps
from tests.audio.kitchen import wav
from tests.audio.studio import ALL, noise, pcm16

from sarau.audio import Analysis, Engine
from sarau.audio._bytes import unwatched
from sarau.audio._libraries import load_libraries
from sarau.errors import FailedCode, FailedError
from sarau.model.preset import PRESETS, Format

load_libraries()

from sarau.audio._cover import remake_cover  # noqa: E402 - PyAV comes after the libraries
from sarau.audio._source_tags import read_tags  # noqa: E402 - mutagen's own come after the libraries
from sarau.audio._tags import write_tags  # noqa: E402 - as above

SOUND = wav(pcm16(noise(0.5, 44_100)))
SUFFIXES = {
    Format.FLAC: "flac", Format.MP3: "mp3", Format.AAC: "m4a", Format.OPUS: "opus",
    Format.WAV: "wav", Format.ALAC: "m4a", Format.VORBIS: "ogg",
}  # fmt: skip


@pytest.fixture(scope="module")
def made(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Analysis, Path]:
    """A sound in every format, without tags."""
    place = tmp_path_factory.mktemp("formats")
    source = place / "source.wav"
    source.write_bytes(SOUND)
    analysis = engine.analyse(source)
    engine.render(source, analysis, ALL, place)
    return analysis, place


@pytest.fixture
def flac(made: tuple[Analysis, Path], tmp_path: Path) -> Path:
    """A FLAC file to tag."""
    return Path(shutil.copy(made[1] / "flac.flac", tmp_path / "source.flac"))


def rendered(engine: Engine, source: Path) -> tuple[Analysis, dict[str, Any]]:
    """Return what mutagen reads in a rendition of each format."""
    out = source.parent / "out"
    out.mkdir()
    analysis = engine.analyse(source)
    files = engine.render(source, analysis, ALL, out)
    return analysis, {file.spec.name: mutagen.File(file.path) for file in files}


def values(file: Any, comment: str, frame: str, box: str) -> list[str]:
    """Return the values of a tag by its name in Vorbis comments, in ID3 or in MP4."""
    if isinstance(file, mutagen.mp4.MP4):
        return [one if isinstance(one, str) else bytes(one).decode() for one in file[box]]
    found = file.get(frame) if isinstance(file.tags, mutagen.id3.ID3) else file[comment]
    return [str(text) for text in found]


def info_chunk(texts: dict[bytes, bytes]) -> bytes:
    body = b"INFO"
    for name, text in texts.items():
        body += name + struct.pack("<I", len(text)) + text + b"\0" * (len(text) % 2)
    return b"LIST" + struct.pack("<I", len(body)) + body


# What PyAV makes of any bytes in a file, and names that a program may really have written.
TEXTS = st.text(max_size=60) | st.binary(max_size=40).map(
    lambda data: data.decode("utf-8", "surrogateescape")
)
KEYS = TEXTS | st.sampled_from(
    ["a~b", "a=b", "mood:é", "TAG", "track", "disc", "date", "genre", "bpm", "lyrics", "☃", "a:b"]
)


@pytest.mark.parametrize("form", SUFFIXES)
def test_whatever_the_tags_are_they_can_be_written(
    made: tuple[Analysis, Path], tmp_path_factory: pytest.TempPathFactory, form: Format
) -> None:
    analysis, place = made
    name = f"{form}.{SUFFIXES[form]}"
    copy = tmp_path_factory.mktemp("tagged") / name

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.tuples(KEYS, TEXTS), max_size=8),
        st.dictionaries(KEYS, st.lists(st.text(min_size=1), min_size=2, max_size=3), max_size=3),
    )
    def write(raw: list[tuple[str, str]], several: dict[str, list[str]]) -> None:
        lists = {key.strip().lower(): tuple(texts) for key, texts in several.items()}
        tags, kept = read_tags([("title", "Oração"), *raw, *((key, "x") for key in lists)], lists)
        source = replace(analysis.source, tags=tags, tag_lists=kept)
        shutil.copy(place / name, copy)
        write_tags(copy, form, source, None, unwatched)
        expected = "Oração" if "title" not in kept else kept["title"][0]
        assert values(mutagen.File(copy), "title", "TIT2", "\xa9nam")[0] == expected

    write()


def test_texts_that_are_not_utf8_are_read_all_the_same(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "old.wav"
    texts = {
        b"INAM": "Canção – só".encode("cp1252"),
        b"IART": "Zé".encode("cp1252"),
        b"ICMT": "à noite".encode(),
    }
    path.write_bytes(SOUND + info_chunk(texts))
    analysis, files = rendered(engine, path)
    assert analysis.source.tags["comment"] == "à noite"
    for name, file in files.items():
        assert values(file, "title", "TIT2", "\xa9nam") == ["Canção – só"], name
        assert values(file, "artist", "TPE1", "\xa9ART") == ["Zé"], name


@pytest.mark.parametrize("name", ["flac.flac", "opus.opus", "vorbis.ogg", "mp3.mp3", "aac.m4a"])
def test_several_values_of_a_tag_stay_several(
    made: tuple[Analysis, Path], engine: Engine, tmp_path: Path, name: str
) -> None:
    path = Path(shutil.copy(made[1] / name, tmp_path))
    file: Any = mutagen.File(path)
    if name == "mp3.mp3":
        file.tags.add(mutagen.id3.TPE1(encoding=3, text=["AC;DC", "Zé"]))
        file.tags.add(mutagen.id3.TXXX(encoding=3, desc="MOOD", text=["calm", "sad"]))
    elif name == "aac.m4a":
        file["\xa9ART"], file["----:com.apple.iTunes:MOOD"] = ["AC;DC", "Zé"], [b"calm", b"sad"]
    else:
        file["artist"], file["mood"] = ["AC;DC", "Zé"], ["calm", "sad"]
    file.save()
    analysis, files = rendered(engine, path)
    assert analysis.source.tags["artist"] == "AC;DC; Zé"
    for each, made_file in files.items():
        assert values(made_file, "artist", "TPE1", "\xa9ART") == ["AC;DC", "Zé"], each
        mood = values(made_file, "mood", "TXXX:mood", "----:com.apple.iTunes:mood")
        assert mood == ["calm", "sad"], each


def test_a_tag_that_names_loudspeakers_is_not_the_musics() -> None:
    tags, _ = read_tags([("Title", "Oração"), ("WaveFormatExtensible_Channel_Mask", "0x500F")], {})
    assert tags == {"title": "Oração"}


def test_a_file_that_reads_with_other_loudspeakers_gets_no_evidence(
    engine: Engine, tmp_path: Path
) -> None:
    source = tmp_path / "source.wav"
    source.write_bytes(wav(pcm16(noise(0.5, 44_100, channels=6)), channels=6))
    preset = PRESETS["archive"]
    analysis = engine.analyse(source)
    files = engine.render(source, analysis, preset, tmp_path)
    file = mutagen.flac.FLAC(files[0].path)
    file["waveformatextensible_channel_mask"] = "0x500F"
    file.save()
    with pytest.raises(FailedError, match=r"but reads as 3\.1\.2") as caught:
        engine.verify(source, analysis, preset, files, tmp_path)
    assert caught.value.code is FailedCode.INTERNAL


def test_numbers_dates_and_lyrics(engine: Engine, flac: Path) -> None:
    lyrics = "Tempo, tempo, tempo\n" * 200
    file = mutagen.flac.FLAC(flac)
    file.update({
        "originaldate": "1979", "date": "2001", "tracknumber": "3", "tracktotal": "12",
        "discnumber": "1", "totaldiscs": "2", "lyrics": lyrics,
    })  # fmt: skip
    file.save()
    _, files = rendered(engine, flac)
    for name, each in files.items():
        assert values(each, "date", "TDRC", "\xa9day") == ["2001"], name
        original = values(each, "originaldate", "TDOR", "----:com.apple.iTunes:originaldate")
        assert original == ["1979"], name
    for name in ("mp3", "wav"):
        assert files[name]["TRCK"] == "3/12"
        assert files[name]["TPOS"] == "1/2"
        assert files[name]["USLT::eng"].text == lyrics.strip()
    for name in ("aac", "alac"):
        assert files[name]["trkn"] == [(3, 12)]
        assert files[name]["disk"] == [(1, 2)]
        assert files[name]["\xa9lyr"] == [lyrics.strip()]
    assert files["opus"]["tracktotal"] == ["12"]
    assert files["opus"]["lyrics"] == [lyrics.strip()]


def picture(kind: str, color: str = "red", **saved: Any) -> bytes:
    """Return a picture that says it lies on its side."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    out = io.BytesIO()
    Image.new("RGB", (60, 40), color).save(out, kind, exif=exif, **saved)
    return out.getvalue()


def add_picture(file: mutagen.flac.FLAC, data: bytes, kind: int) -> None:
    added = mutagen.flac.Picture()
    added.type, added.mime, added.data = kind, "image/png", data
    file.add_picture(added)


def covers(files: dict[str, Any]) -> set[bytes]:
    """Return the covers of all renditions."""
    found = set()
    for file in files.values():
        if isinstance(file, mutagen.mp4.MP4):
            found.add(bytes(file["covr"][0]))
        elif isinstance(file, mutagen.flac.FLAC):
            found.add(file.pictures[0].data)
        elif isinstance(file.tags, mutagen.id3.ID3):
            found.add(file.tags.getall("APIC")[0].data)
        else:
            block = base64.b64decode(file["metadata_block_picture"][0])
            found.add(mutagen.flac.Picture(block).data)
    return found


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "MPO"])
def test_a_cover_that_says_how_it_lies_is_put_upright(
    engine: Engine, flac: Path, kind: str
) -> None:
    several = {"save_all": True, "append_images": [Image.new("RGB", (60, 40))]}
    file = mutagen.flac.FLAC(flac)
    add_picture(file, picture(kind, **(several if kind == "MPO" else {})), 3)
    file.save()
    _, files = rendered(engine, flac)
    (cover,) = covers(files)
    with Image.open(io.BytesIO(cover)) as image:
        assert image.size == (40, 60)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_cover_with_spoiled_exif_is_put_upright(kind: str, orientation: int) -> None:
    entries = ((0x010F, 5, 1, 38), (0x0112, 3, 1, orientation))  # A maker that is a fraction.
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries))
    exif += b"".join(struct.pack("<HHII", *entry) for entry in entries) + struct.pack(
        "<III", 0, 1, 2
    )
    out, upright = io.BytesIO(), Image.new("RGB", (60, 40), "blue")
    upright.paste("red", (0, 0, 30, 20))
    lying = Image.Exif()
    lying[ExifTags.Base.Orientation] = orientation
    upright.save(out, kind, exif=exif)
    made = remake_cover(out.getvalue())
    assert made is not None
    plain = io.BytesIO()
    upright.save(plain, kind, exif=lying)
    with Image.open(io.BytesIO(made)) as image, Image.open(plain) as expected:
        turned = ImageOps.exif_transpose(expected)
        assert image.size == turned.size
        at = next(
            (x, y) for x in (5, image.width - 5) for y in (5, image.height - 5)
            if turned.getpixel((x, y))[0] > 200
        )  # fmt: skip
        assert image.getpixel(at)[0] > 200


def test_the_front_cover_comes_before_others_that_come_first(engine: Engine, flac: Path) -> None:
    file = mutagen.flac.FLAC(flac)
    add_picture(file, picture("PNG", "blue"), 4)
    add_picture(file, picture("PNG", "red"), 3)
    file.save()
    _, files = rendered(engine, flac)
    (cover,) = covers(files)
    with Image.open(io.BytesIO(cover)) as image:
        red, _, blue = image.getpixel((20, 30))
    assert red > 200
    assert blue < 50


def test_another_picture_stands_in_for_a_front_cover_that_is_none(
    engine: Engine, flac: Path
) -> None:
    file = mutagen.flac.FLAC(flac)
    add_picture(file, b"no picture at all" * 9, 3)
    add_picture(file, picture("PNG", "blue"), 4)
    file.save()
    _, files = rendered(engine, flac)
    assert len(covers(files)) == 1
