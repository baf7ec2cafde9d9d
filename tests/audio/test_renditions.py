"""What comes out, judged by Debian's ffmpeg and by mutagen."""

import hashlib
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import mutagen
import mutagen.flac
import mutagen.id3
import mutagen.mp3
import mutagen.mp4
import mutagen.oggopus
import numpy as np
import pytest
from tests.audio.kitchen import CHANGED, Kitchen, png, wav
from tests.audio.meters import decode, ebur128, probe
from tests.audio.studio import ALL, STREAMING, Work, check_with_ffmpeg, noise, pcm16, pcm24

from sarau.audio import Analysis, Engine, Rendition, Verdict, from_plain, to_plain
from sarau.audio._types import LIMITER_MARGIN_DB
from sarau.model.preset import PRESETS, Format, RenditionSpec


def test_streaming_renditions_reach_target_and_ceiling(
    work: Callable[..., Work], kitchen: Kitchen
) -> None:
    made = work(kitchen.wav)

    assert [each.path.name for each in made.files] == [
        "flac.flac",
        "mp3.mp3",
        "aac.m4a",
        "opus.opus",
    ]
    check_with_ffmpeg(made, STREAMING)


@pytest.mark.parametrize("preset", ["podcast", "broadcast", "atsc"])
def test_other_presets_reach_theirs(
    work: Callable[..., Work], kitchen: Kitchen, preset: str
) -> None:
    check_with_ffmpeg(work(kitchen.mp3(), PRESETS[preset]), PRESETS[preset])


def test_peaks_are_held_under_the_ceiling_and_the_target_is_still_reached(
    work: Callable[..., Work],
) -> None:
    samples = noise(8, 44_100, level=0.12)
    samples[::22_050] = 0.55
    made = work(wav(pcm16(samples)))

    limited = [each.file.gain for each in made.renditions.values()]
    assert all(gain.limiter_ceiling_dbtp is not None for gain in limited)
    check_with_ffmpeg(made, STREAMING)


def test_gain_stops_where_the_limiter_would_work_too_hard(work: Callable[..., Work]) -> None:
    samples = noise(8, 44_100, level=0.01)
    samples[::22_050] = 0.7
    made = work(wav(pcm16(samples)))

    for name, each in made.renditions.items():
        heard = ebur128(each.file.path)
        before = made.analysis.loudness
        assert each.evidence.verdict is Verdict.CEILING_LIMITED, name
        assert each.file.gain.ceiling_limited
        assert before.true_peak_dbtp is not None
        held_dbtp = each.file.gain.limiter_ceiling_dbtp
        assert held_dbtp is not None
        worked = before.true_peak_dbtp + each.file.gain.gain_db - (held_dbtp - LIMITER_MARGIN_DB)
        assert worked <= STREAMING.max_limiting_db + 0.01, name
        assert heard.true_peak_dbtp <= STREAMING.ceiling_dbtp, name
        assert heard.integrated_lufs < -14.3, name


@pytest.mark.parametrize(("rate_hz", "channels"), [(44_100, 2), (22_050, 2), (22_050, 1)])
def test_mp3_is_as_loud_at_every_bit_rate(
    work: Callable[..., Work], rate_hz: int, channels: int
) -> None:
    rates = (64_000, 128_000, 160_000, 192_000, 224_000, 256_000, 320_000)
    constant = (RenditionSpec(str(bps), Format.MP3, bitrate_bps=bps) for bps in rates)
    specs = (RenditionSpec("v0", Format.MP3, quality=0), *constant)
    # What the lowest bit rates are enough for: else their own noise counts, too.
    spectrum = np.fft.rfft(noise(1, rate_hz, channels=channels, level=0.05), axis=0)
    sound = pcm16(np.fft.irfft(spectrum[:1_500], rate_hz, axis=0))
    preset = replace(STREAMING, target_lufs=-20.0, renditions=specs)
    made = work(wav(sound, rate=rate_hz, channels=channels), preset)

    heard = {name: each.evidence.loudness for name, each in made.renditions.items()}
    for name, each in heard.items():
        assert each.integrated_lufs == pytest.approx(heard["v0"].integrated_lufs, abs=0.02), name
    assert {each.file.path for each in made.renditions.values()} == {
        file.path for file in made.files
    }


@pytest.mark.parametrize("max_limiting_db", [0.0, 0.1])
def test_a_preset_may_allow_no_limiting(work: Callable[..., Work], max_limiting_db: float) -> None:
    samples = noise(4, 44_100, level=0.06)
    samples[::22_050] = 0.7
    made = work(wav(pcm16(samples)), replace(STREAMING, max_limiting_db=max_limiting_db))

    assert len({file.gain.gain_db for file in made.files}) == 1
    for name, each in made.renditions.items():
        assert each.file.gain.limiter_ceiling_dbtp is None, name
        assert each.evidence.verdict is Verdict.CEILING_LIMITED, name
        assert each.evidence.loudness.true_peak_dbtp is not None
        assert each.evidence.loudness.true_peak_dbtp <= -1.0


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 22_050])
@pytest.mark.parametrize("odd", [0, 1, 777])
def test_length_is_exact_to_the_sample(work: Callable[..., Work], rate_hz: int, odd: int) -> None:
    samples = noise(2, rate_hz)[odd:]
    made = work(wav(pcm16(samples), rate=rate_hz))
    count = len(samples)

    for name, each in made.renditions.items():
        path, out_hz = each.file.path, each.file.sample_rate_hz
        wanted = -(-count * out_hz // rate_hz)
        if each.file.spec.format is Format.AAC:
            # Players cut the padding by the edit list; ffmpeg 5 only reads it.
            stream = probe(path)
            assert stream["duration_ts"] == count, name
            assert len(decode(path, "-af", f"atrim=end_sample={count}")) // 4 == count, name
        else:
            assert abs(len(decode(path)) // 4 - wanted) <= (0 if out_hz == rate_hz else 1), name
        assert abs(each.evidence.samples - wanted) <= (0 if out_hz == rate_hz else 1), name


@pytest.mark.parametrize(
    ("rate_hz", "samples"),
    [
        (44_100, 1),
        (22_050, 1_102),
        (48_000, 9_600),
        (44_100, 13_230),
        (8_000, 4_000),
        (8_000, 8_000),
    ],
)
def test_a_short_sound_keeps_its_length_in_every_format(
    work: Callable[..., Work], rate_hz: int, samples: int
) -> None:
    tone = 0.3 * np.sin(0.05 * np.arange(samples))
    made = work(wav(pcm16(np.stack([tone] * 2, 1)), rate=rate_hz), ALL)

    assert made.renditions.keys() == {spec.name for spec in ALL.renditions}
    for name in ("flac", "wav", "alac", "mp3", "vorbis"):
        path = made.renditions[name].file.path
        assert len(decode(path)) // 4 == samples, name


def test_start_is_aligned_to_the_sample(work: Callable[..., Work]) -> None:
    samples = noise(2, 44_100)
    made = work(wav(pcm16(samples)))
    for name, each in made.renditions.items():
        if each.file.sample_rate_hz != 44_100:
            continue
        decoded = np.frombuffer(decode(each.file.path), "<i2").reshape(-1, 2)[:, 0].astype(float)
        original = samples[: len(decoded), 0][20_000:60_000]
        lags = range(-3, 4)
        fits = [float(np.dot(original, decoded[20_000 + lag : 60_000 + lag])) for lag in lags]
        assert list(lags)[int(np.argmax(fits))] == 0, name


def test_archive_is_bit_identical(work: Callable[..., Work]) -> None:
    for bits, data, form in (
        (16, pcm16(noise(2, 44_100)), "s16le"),
        (24, pcm24(noise(2, 96_000)), "s24le"),
    ):
        rate_hz = 44_100 if bits == 16 else 96_000
        made = work(wav(data, rate=rate_hz, bits=bits), PRESETS["archive"])
        (each,) = made.renditions.values()
        assert each.evidence.verdict is Verdict.NOT_NORMALISED
        assert hashlib.md5(decode(each.file.path, form=form)).digest() == hashlib.md5(data).digest()


def test_high_resolution_is_kept_where_the_format_can(work: Callable[..., Work]) -> None:
    made = work(wav(pcm24(noise(3, 96_000)), rate=96_000, bits=24))

    flac = probe(made.renditions["flac"].file.path)
    assert (flac["sample_rate"], flac["bits_per_raw_sample"]) == ("96000", "24")
    for name in ("mp3", "aac", "opus"):
        assert probe(made.renditions[name].file.path)["sample_rate"] == "48000"
        assert made.renditions[name].file.sample_rate_hz == 48_000
    check_with_ffmpeg(made, STREAMING)


def test_a_multiple_of_44100_becomes_44100(work: Callable[..., Work]) -> None:
    made = work(wav(pcm24(noise(2, 176_400)), rate=176_400, bits=24))
    assert made.renditions["mp3"].file.sample_rate_hz == 44_100
    assert made.renditions["flac"].file.sample_rate_hz == 176_400


def test_mono_stays_mono(work: Callable[..., Work]) -> None:
    made = work(wav(pcm16(noise(3, 44_100, channels=1)), channels=1), PRESETS["broadcast"])
    for name, each in made.renditions.items():
        assert probe(each.file.path)["channels"] == 1, name
        assert each.file.channels == 1
    check_with_ffmpeg(made, PRESETS["broadcast"])


@pytest.mark.parametrize(
    ("channels", "mask"), [(1, 0x1), (1, 0x100), (2, 0x30), (2, 0x600), (2, 0xC), (6, 0xFC0)]
)
def test_odd_loudspeakers_are_taken_for_the_usual_ones(
    work: Callable[..., Work], engine: Engine, tmp_path: Path, channels: int, mask: int
) -> None:
    data = pcm16(noise(2, 44_100, channels=channels))
    usual = tmp_path / "usual.wav"
    usual.write_bytes(wav(data, channels=channels))
    expected = engine.analyse(usual)
    # Noise in one channel has peaks too high to be made as loud as music.
    made = work(wav(data, channels=channels, mask=mask), replace(ALL, target_lufs=-16.0))

    found = made.analysis
    assert found.source.channel_layout == expected.source.channel_layout
    assert found.loudness == expected.loudness
    assert found.stereo_loudness == expected.stereo_loudness
    assert set(made.renditions) == {spec.name for spec in ALL.renditions}
    assert {each.evidence.verdict for each in made.renditions.values()} == {Verdict.PASSED}


def test_parts_of_other_rates_and_channels_keep_their_pitch(
    work: Callable[..., Work], kitchen: Kitchen, tmp_path: Path
) -> None:
    path = tmp_path / "joined.mp3"
    CHANGED(kitchen, path)
    made = work(path.read_bytes())

    source = made.analysis.source
    assert (source.sample_rate_hz, source.channels) == (48_000, 2)
    assert source.duration_s == pytest.approx(4, abs=0.2)
    for name, each in made.renditions.items():
        heard = np.frombuffer(decode(each.file.path, "-ar", "48000"), "<i2").reshape(-1, 2)
        for start_s in (0.5, 2.5):
            part = heard[int(start_s * 48_000) :][:48_000, 0] * np.hanning(48_000)
            assert np.argmax(np.abs(np.fft.rfft(part))) == pytest.approx(330, abs=2), name


def test_multichannel_is_kept_in_flac_and_mixed_for_the_others(work: Callable[..., Work]) -> None:
    made = work(wav(pcm16(noise(4, 48_000, channels=6)), channels=6, rate=48_000))

    channels = {name: probe(each.file.path)["channels"] for name, each in made.renditions.items()}
    assert channels == {"flac": 6, "mp3": 2, "aac": 2, "opus": 2}
    assert made.analysis.stereo_loudness is not None
    check_with_ffmpeg(made, STREAMING)


def test_silence_is_left_alone(work: Callable[..., Work]) -> None:
    made = work(wav(bytes(4 * 44_100 * 2)))
    for each in made.renditions.values():
        assert each.evidence.verdict is Verdict.NOT_NORMALISED
        assert each.file.gain.gain_db == 0


def test_one_sample_makes_every_rendition(work: Callable[..., Work]) -> None:
    made = work(wav(pcm16(noise(2, 44_100)[:1])))
    assert {each.evidence.verdict for each in made.renditions.values()} == {Verdict.NOT_NORMALISED}
    assert made.renditions["flac"].evidence.samples == 1


def test_the_same_source_makes_the_same_bytes(
    engine: Engine, work: Callable[..., Work], kitchen: Kitchen, tmp_path: Path
) -> None:
    made = work(kitchen.flac())
    again = tmp_path / "again"
    again.mkdir()
    files = engine.render(made.source, made.analysis, STREAMING, again)
    for second in engine.verify(made.source, made.analysis, STREAMING, files, again):
        name = second.file.spec.name
        first = made.renditions[name]
        assert first.file.path.read_bytes() == second.file.path.read_bytes(), name


def test_m4a_can_be_played_while_it_loads(work: Callable[..., Work], kitchen: Kitchen) -> None:
    data = work(kitchen.wav).renditions["aac"].file.path.read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")


def tag_source(path: Path, *, cover: bytes | None) -> None:
    file = mutagen.flac.FLAC(path)
    file.update({
        "title": "Oração ao Tempo", "artist": "Zé", "album": "Sarau", "albumartist": "Vários",
        "tracknumber": "3", "date": "1979", "genre": "MPB", "comment": "à noite",
        "replaygain_track_gain": "-3.00 dB", "mood": "calm",
    })  # fmt: skip
    if cover is not None:
        picture = mutagen.flac.Picture()
        picture.type, picture.mime, picture.data = 3, "image/png", cover
        file.add_picture(picture)
    file.save()


@pytest.fixture
def tagged(work: Callable[..., Work], kitchen: Kitchen, tmp_path: Path) -> Work:
    path = tmp_path / "tagged.flac"
    path.write_bytes(kitchen.flac())
    tag_source(path, cover=png(1600, 1000))
    return work(path.read_bytes())


def test_tags_are_carried_over(tagged: Work) -> None:
    assert tagged.analysis.source.tags["album_artist"] == "Vários"
    assert tagged.analysis.source.has_cover
    easy = {
        name: mutagen.File(each.file.path, easy=True) for name, each in tagged.renditions.items()
    }
    for name, file in easy.items():
        assert file["title"] == ["Oração ao Tempo"], name
        assert file["artist"] == ["Zé"], name
        assert file["albumartist"] == ["Vários"], name
        assert file["tracknumber"][0].startswith("3"), name
        assert file["date"] == ["1979"], name
        assert file["genre"] == ["MPB"], name
        # The gain of the source is not the rendition's.
        assert "-3.00 dB" not in file.get("replaygain_track_gain", []), name
    assert easy["opus"]["mood"] == ["calm"]


def test_cover_is_made_anew_and_bounded(tagged: Work) -> None:
    paths = {name: each.file.path for name, each in tagged.renditions.items()}
    opus = mutagen.oggopus.OggOpus(paths["opus"])["metadata_block_picture"][0]
    covers = {
        "flac": mutagen.flac.FLAC(paths["flac"]).pictures[0].data,
        "mp3": mutagen.mp3.MP3(paths["mp3"]).tags.getall("APIC")[0].data,
        "aac": bytes(mutagen.mp4.MP4(paths["aac"]).tags["covr"][0]),
        "opus": mutagen.flac.Picture(__import__("base64").b64decode(opus)).data,
    }
    for name, data in covers.items():
        assert data[:3] == b"\xff\xd8\xff", name
        assert len(data) < 200_000
    assert len(set(covers.values())) == 1


def test_tags_of_mp3_sources_are_read(
    work: Callable[..., Work], kitchen: Kitchen, tmp_path: Path
) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(kitchen.mp3())
    file = mutagen.mp3.MP3(path)
    file.add_tags() if file.tags is None else None
    file.tags.add(mutagen.id3.TIT2(encoding=3, text="Canção\r\nX" * 500))
    file.tags.add(mutagen.id3.TPE2(encoding=3, text="Banda"))
    file.save()
    tags = work(path.read_bytes()).analysis.source.tags
    assert tags["album_artist"] == "Banda"
    assert len(tags["title"]) == 1000
    assert "\r" not in tags["title"]


def test_everything_survives_json(work: Callable[..., Work], kitchen: Kitchen) -> None:
    made = work(kitchen.wav)
    assert from_plain(Analysis, to_plain(made.analysis)) == made.analysis
    for each in made.renditions.values():
        assert from_plain(Rendition, to_plain(each)) == each


def test_verify_makes_again_what_is_off(
    engine: Engine, work: Callable[..., Work], kitchen: Kitchen, tmp_path: Path
) -> None:
    made = work(kitchen.wav)
    wrong = replace(STREAMING, target_lufs=-20.0)
    again = engine.verify(made.source, made.analysis, wrong, made.files, tmp_path / "out")

    assert [each.file.path.name for each in again][:2] == ["flac.trimmed.flac", "mp3.trimmed.mp3"]
    for each in again:
        assert each.evidence.verdict is Verdict.PASSED
        assert abs(ebur128(each.file.path).integrated_lufs + 20) < 0.3
        assert each.file.gain.gain_db != made.renditions[each.file.spec.name].file.gain.gain_db


def test_a_peak_over_by_a_hair_is_turned_down_in_the_header(
    engine: Engine, work: Callable[..., Work], tmp_path: Path
) -> None:
    opus = RenditionSpec("opus", Format.OPUS, bitrate_bps=128_000)
    made = work(wav(pcm16(noise(4, 44_100))), replace(STREAMING, renditions=(opus,)))
    first = made.renditions["opus"].file
    peak_dbtp = made.renditions["opus"].evidence.loudness.true_peak_dbtp
    assert peak_dbtp is not None
    lower = replace(STREAMING, renditions=(opus,), ceiling_dbtp=round(peak_dbtp - 0.1, 3))
    (again,) = engine.verify(made.source, made.analysis, lower, made.files, tmp_path / "out")

    assert again.file.path.name == "opus.turned_down.opus"
    assert again.file.gain.output_gain_db == -27 / 256
    assert again.evidence.gain_db == pytest.approx(first.gain.gain_db - 27 / 256, abs=0.001)
    assert again.evidence.verdict is Verdict.PASSED
    heard, before = ebur128(again.file.path), ebur128(first.path)
    assert heard.integrated_lufs == pytest.approx(before.integrated_lufs - 0.1, abs=0.051)
    assert heard.true_peak_dbtp <= lower.ceiling_dbtp + 0.05
    raw = again.file.path.read_bytes()
    at = raw.index(b"OpusHead") + 16
    assert raw[at : at + 2] == (-27).to_bytes(2, "little", signed=True)
    assert packets(again.file.path) == packets(first.path)
    tags = mutagen.oggopus.OggOpus(again.file.path)
    measured = again.evidence.loudness.integrated_lufs
    assert measured is not None
    assert int(tags["R128_TRACK_GAIN"][0]) == round((-23 - measured) * 256)


def packets(path: Path) -> list[str]:
    """Return the hashes of the packets, without that of the header."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-c", "copy", "-f", "framemd5", "-"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line for line in told.splitlines() if not line.startswith("#")]


def test_a_rendition_of_every_quality(work: Callable[..., Work], kitchen: Kitchen) -> None:
    specs = (
        RenditionSpec("v2", Format.MP3, quality=2),
        RenditionSpec("cbr", Format.MP3, bitrate_bps=320_000),
        RenditionSpec("small", Format.OPUS, bitrate_bps=64_000),
        RenditionSpec("slow", Format.FLAC, quality=8),
    )
    made = work(kitchen.wav, replace(STREAMING, renditions=specs))
    assert made.renditions["cbr"].file.bitrate_bps == pytest.approx(320_000, rel=0.03)
    assert made.renditions["v2"].file.size_bytes < made.renditions["cbr"].file.size_bytes
    check_with_ffmpeg(made, STREAMING)
