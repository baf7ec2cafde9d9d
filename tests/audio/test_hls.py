"""HLS: the packets of the verified AAC files in fragments, as ffmpeg plays them, by the rules."""

import hashlib
import struct
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests import hls as rules
from tests.audio.kitchen import Kitchen, wav
from tests.audio.meters import decode, ebur128
from tests.audio.studio import Work, noise, pcm16

from sarau.audio import Engine, Rendition, Verdict
from sarau.audio._playlists import Segment, Variant, average_bps, peak_bps, target_s
from sarau.audio.album import correct_album, judge_album, plan_album
from sarau.audio.hls import INDEX, members, unpack
from sarau.model.preset import Format, Preset, RenditionSpec

RATE_HZ = 44_100
HIGH = RenditionSpec("aac", Format.AAC, bitrate_bps=256_000)
LOW = RenditionSpec("aac-64", Format.AAC, bitrate_bps=64_000)
SET = RenditionSpec("hls", Format.HLS)
PRESET = Preset("live", -18.0, -1.0, (SET, HIGH, LOW))


def unpacked(made: Work, place: Path) -> Path:
    folder = place / "set"
    size_bytes = unpack(made.renditions["hls"].file.path, folder)
    assert size_bytes == sum(path.stat().st_size for path in folder.iterdir())
    return folder


def packets(path: Path) -> list[str]:
    """Return the hash of each packet, as ffmpeg reads them."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:a:0", "-c", "copy"]
    done = subprocess.run([*command, "-f", "framemd5", "-"], check=True, capture_output=True)
    return [
        line.split(",")[5].strip() for line in done.stdout.decode().splitlines() if line[0] != "#"
    ]


@pytest.mark.parametrize(
    ("rate_hz", "channels", "seconds"),
    [(44_100, 2, 19.377), (48_000, 1, 6.0), (8_000, 2, 13.0), (44_100, 2, 0.5), (96_000, 2, 7.1)],
)
def test_a_set_keeps_the_rules_and_sounds_as_the_m4a(
    work: Callable[..., Work], tmp_path: Path, rate_hz: int, channels: int, seconds: float
) -> None:
    sound = noise(seconds, rate_hz, channels=channels, level=0.05)
    made = work(wav(pcm16(sound), rate=rate_hz, channels=channels), PRESET)
    assert list(made.renditions) == ["hls", "aac", "aac-64"]
    folder = unpacked(made, tmp_path)
    found = rules.check(folder)
    assert list(found) == ["audio_aac.m3u8", "audio_aac-64.m3u8"]
    for name in ("aac", "aac-64"):
        media, alone = found[f"audio_{name}.m3u8"], made.renditions[name]
        assert packets(media.path) == packets(alone.file.path), name
        heard, expected = decode(media.path, form="f32le"), decode(alone.file.path, form="f32le")
        assert hashlib.md5(heard).digest() == hashlib.md5(expected).digest(), name
        exact_s = alone.evidence.samples / alone.file.sample_rate_hz
        assert media.duration_s == pytest.approx(exact_s, abs=1e-5)


def test_the_first_sample_is_the_first_one(work: Callable[..., Work], tmp_path: Path) -> None:
    click = np.zeros((RATE_HZ * 3, 2))
    click[0:4] = 0.5
    click[RATE_HZ] = 0.9
    preset = replace(PRESET, target_lufs=None, ceiling_dbtp=0.0)
    folder = unpacked(work(wav(pcm16(click)), preset), tmp_path)
    heard = np.frombuffer(decode(folder / "audio_aac.m3u8", form="f32le"), "<f4")[::2]
    assert int(np.argmax(np.abs(heard[1000:]))) + 1000 == RATE_HZ
    init = (folder / "audio_aac.mp4").read_bytes()
    edits = init[init.index(b"elst") + 4 :]
    assert struct.unpack_from(">I", edits, 4) == (1,), "one edit"
    assert struct.unpack_from(">i", edits, 12) == (1024,), "for players that read edit lists"


def test_ffmpeg_measures_the_set_as_the_evidence_says(
    work: Callable[..., Work], kitchen: Kitchen, tmp_path: Path
) -> None:
    made = work(kitchen.wav, PRESET)
    evidence = made.renditions["hls"].evidence
    assert evidence.verdict is Verdict.PASSED
    assert evidence.samples == made.analysis.source.samples
    heard = ebur128(unpacked(made, tmp_path) / INDEX)
    assert evidence.loudness.integrated_lufs == pytest.approx(heard.integrated_lufs, abs=0.1)
    peaks = [
        made.renditions[name].evidence.loudness.true_peak_dbtp or 0 for name in ("aac", "aac-64")
    ]
    assert evidence.loudness.true_peak_dbtp == max(peaks)
    listed = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "program=nb_streams", "-of", "csv=p=0",
         str(tmp_path / "set" / INDEX)],
        check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert len(listed) >= 2


def test_a_set_is_made_of_what_was_trimmed(
    engine: Engine, tmp_path: Path, kitchen: Kitchen
) -> None:
    source = tmp_path / "source.wav"
    source.write_bytes(kitchen.wav)
    analysis = engine.analyse(source)
    wrong = replace(PRESET, target_lufs=-17.0)
    files = engine.render(source, analysis, wrong, tmp_path)
    assert [each.spec.name for each in files] == ["aac", "aac-64"]
    made = {
        one.file.spec.name: one for one in engine.verify(source, analysis, PRESET, files, tmp_path)
    }
    assert made["aac"].file.path.name == "aac.trimmed.m4a"
    assert made["hls"].evidence.verdict is Verdict.PASSED
    unpack(made["hls"].file.path, tmp_path / "set")
    assert packets(tmp_path / "set" / "audio_aac.m3u8") == packets(made["aac"].file.path)


def test_the_same_files_give_the_same_bytes(
    engine: Engine, work: Callable[..., Work], kitchen: Kitchen, tmp_path: Path
) -> None:
    made = work(kitchen.wav, PRESET)
    before = made.renditions["hls"].file.path.read_bytes()
    again = engine.verify(made.source, made.analysis, PRESET, made.files, tmp_path / "out")
    assert again[0].file.path.read_bytes() == before


def test_an_album_can_be_streamed(engine: Engine, tmp_path: Path) -> None:
    analyses, made = [], []
    for number, level in enumerate((0.03, 0.06)):
        source = tmp_path / f"{number}.wav"
        source.write_bytes(wav(pcm16(noise(4, RATE_HZ, level=level))))
        analyses.append(engine.analyse(source, for_album=True))
    album = plan_album(analyses, PRESET)

    def make(number: int) -> tuple[Rendition, ...]:
        out = tmp_path / f"out {number}"
        out.mkdir()
        source, analysis = tmp_path / f"{number}.wav", analyses[number]
        files = engine.render(source, analysis, PRESET, out, album=album)
        return engine.verify(source, analysis, PRESET, files, out, album=album)

    made = [make(number) for number in range(2)]
    for row in judge_album(album, PRESET, made):
        kept = engine.tag_album(row)
        assert [one.evidence.verdict for one in kept] == [Verdict.PASSED] * 3
    assert correct_album(album, analyses, PRESET, made) is None
    # Were one rate 6 dB off, all would be made again: the set is made of all of them.
    off = [(*row[:2], replace(row[2], tenths=_louder(row[2].tenths))) for row in made]
    better = correct_album(album, analyses, PRESET, off)
    assert better is not None
    assert set(better.gains) == {"hls", "aac", "aac-64"}
    assert better.gains["aac"] == album.gains["aac"]
    assert better.gains["aac-64"].gain_db == pytest.approx(
        album.gains["aac-64"].gain_db - 6, abs=0.5
    )


def _louder(tenths: bytes) -> bytes:
    return (np.frombuffer(tenths, "<f4") * 4).astype("<f4").tobytes()


def test_what_is_no_set_is_told_from_one(tmp_path: Path) -> None:
    cases = {
        "escape.zip": ("../index.m3u8", zipfile.ZIP_STORED),
        "packed.zip": ("index.m3u8", zipfile.ZIP_DEFLATED),
        "other.zip": ("index.html", zipfile.ZIP_STORED),
    }
    for name, (member, kind) in cases.items():
        with zipfile.ZipFile(tmp_path / name, "w", kind) as archive:
            archive.writestr(member, "#EXTM3U\n" * 100)
        with pytest.raises(ValueError, match="no HLS set"):
            members(tmp_path / name)
    (tmp_path / "text.zip").write_text("nothing")
    with pytest.raises(ValueError, match="no HLS set"):
        members(tmp_path / "text.zip")


@pytest.mark.parametrize(("longest_s", "target"), [(6.4, 6), (6.5, 7), (7.5, 8), (0.2, 1)])
def test_the_target_duration_is_the_longest_rounded_as_players_do(
    longest_s: float, target: int
) -> None:
    segments = (Segment(0, 1000, longest_s), Segment(1000, 1000, 0.1))
    assert target_s([Variant("a.m3u8", "a.m4s", 100, segments, 2)]) == target


def test_the_peak_rate_is_over_half_to_one_and_a_half_targets() -> None:
    def variant(*segments: tuple[float, int]) -> Variant:
        placed = tuple(Segment(0, size, seconds) for seconds, size in segments)
        return Variant("a.m3u8", "a.mp4", 0, placed, 2)

    calm = variant((6.0, 6000), (6.0, 12_000), (0.1, 9000))
    assert average_bps(calm) == -(-27_000 * 80 // 121)
    # The last one is too short to count alone, but not with the one before it.
    assert peak_bps(calm, 6) == -(-21_000 * 80 // 61)
    assert peak_bps(variant((0.1, 100)), 6) == 8000
