"""WAV and ALAC, and what happens to samples when there are fewer bits for them."""

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import mutagen
import numpy as np
import pytest
from tests.audio.kitchen import Kitchen, png, wav
from tests.audio.meters import decode, probe
from tests.audio.studio import STREAMING, Work, check_with_ffmpeg, noise, pcm16, pcm24

from sarau.audio import Engine, Verdict
from sarau.errors import RejectedCode, RejectedError
from sarau.model.preset import Format, Preset, RenditionSpec

LOSSLESS = (
    RenditionSpec("wav", Format.WAV),
    RenditionSpec("alac", Format.ALAC),
    RenditionSpec("flac", Format.FLAC),
)
LOUD = replace(STREAMING, renditions=LOSSLESS)
KEPT = Preset("kept", None, 0.0, LOSSLESS)
TO_CD = Preset("cd", None, 0.0, tuple(replace(spec, bit_depth=16) for spec in LOSSLESS))


def test_they_reach_the_target(work: Callable[..., Work], kitchen: Kitchen) -> None:
    made = work(kitchen.wav, LOUD)
    assert [each.path.name for each in made.files] == ["wav.wav", "alac.m4a", "flac.flac"]
    assert [each.media_type for each in made.files] == ["audio/wav", "audio/mp4", "audio/flac"]
    check_with_ffmpeg(made, LOUD)


@pytest.mark.parametrize("bits", [16, 24])
@pytest.mark.parametrize("odd", [0, 1, 777])
def test_without_gain_every_sample_comes_back(
    work: Callable[..., Work], bits: int, odd: int
) -> None:
    rate_hz = 44_100 if bits == 16 else 96_000
    data = (pcm16 if bits == 16 else pcm24)(noise(1, rate_hz)[odd:])
    made = work(wav(data, rate=rate_hz, bits=bits), KEPT)
    for name, each in made.renditions.items():
        assert decode(each.file.path, form=f"s{bits}le") == data, name
        assert each.evidence.verdict is Verdict.NOT_NORMALISED
        assert each.evidence.samples == rate_hz - odd, name
        stream = probe(each.file.path)
        assert stream["sample_rate"] == str(rate_hz), name
        assert str(bits) in (stream.get("bits_per_raw_sample"), str(stream["bits_per_sample"]))


@pytest.mark.parametrize("odd", [0, 1, 777])
def test_length_is_exact_with_gain(work: Callable[..., Work], odd: int) -> None:
    made = work(wav(pcm16(noise(1, 44_100)[odd:])), LOUD)
    for name, each in made.renditions.items():
        assert len(decode(each.file.path)) // 4 == 44_100 - odd, name


def test_channels(work: Callable[..., Work]) -> None:
    mono = work(wav(pcm16(noise(3, 44_100, channels=1)), channels=1), LOUD)
    assert {probe(each.file.path)["channels"] for each in mono.renditions.values()} == {1}
    check_with_ffmpeg(mono, LOUD)
    six = work(wav(pcm16(noise(3, 48_000, channels=6)), channels=6, rate=48_000), LOUD)
    channels = {name: probe(each.file.path)["channels"] for name, each in six.renditions.items()}
    assert channels == {"wav": 6, "alac": 2, "flac": 6}
    check_with_ffmpeg(six, LOUD)


def test_tags_and_cover(work: Callable[..., Work], kitchen: Kitchen) -> None:
    path = work(kitchen.wav, KEPT).renditions["flac"].file.path
    file = mutagen.File(path)
    file["title"], file["artist"], file["mood"] = "Oração", "Zé", "calm"
    picture = mutagen.flac.Picture()
    picture.type, picture.mime, picture.data = 3, "image/png", png(700, 600)
    file.add_picture(picture)
    file.save()
    made = work(path.read_bytes(), LOUD)

    sound = mutagen.File(made.renditions["wav"].file.path)
    assert sound["TIT2"] == "Oração"
    assert sound["TXXX:mood"] == "calm"
    assert sound["TXXX:REPLAYGAIN_TRACK_GAIN"].text[0].endswith(" dB")
    assert sound.tags.getall("APIC")[0].data[:3] == b"\xff\xd8\xff"
    boxes = mutagen.File(made.renditions["alac"].file.path)
    assert boxes["\xa9nam"] == ["Oração"]
    assert bytes(boxes["covr"][0])[:3] == b"\xff\xd8\xff"
    assert boxes["----:com.apple.iTunes:REPLAYGAIN_TRACK_GAIN"]
    # The outermost length of a WAV file counts its tags too.
    data = made.renditions["wav"].file.path.read_bytes()
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8


@pytest.mark.parametrize("bits", [16, 24, 32])
def test_wavpack_says_its_own_bits(
    engine: Engine, kitchen: Kitchen, tmp_path: Path, bits: int
) -> None:
    samples = "s16p" if bits == 16 else "s32p"
    asked = ("-sample_fmt", samples, "-bits_per_raw_sample", str(bits))
    path = tmp_path / "a.wv"
    path.write_bytes(kitchen.encode(f"{bits}.wv", "-c:a", "wavpack", *asked))
    assert engine.analyse(path).source.bit_depth == bits


def test_what_wav_cannot_count_is_rejected(
    engine: Engine, work: Callable[..., Work], kitchen: Kitchen
) -> None:
    made = work(kitchen.wav, KEPT)
    long = replace(made.analysis, source=replace(made.analysis.source, samples=1 << 30))
    with pytest.raises(RejectedError) as caught:
        engine.render(made.source, long, LOUD, made.source.parent)
    assert caught.value.code is RejectedCode.TOO_LONG
    assert "wav" in caught.value.detail


def faint(rate_hz: int, lsb: float) -> np.ndarray:
    """Return a sine of 997 Hz that a rounding to steps of `lsb` would make silence of."""
    return 0.4 * lsb * np.sin(2 * np.pi * 997 * np.arange(10 * rate_hz) / rate_hz)


def test_dither_keeps_what_is_under_the_last_bit(work: Callable[..., Work]) -> None:
    rate_hz, lsb = 48_000, 2.0**-15
    wave = faint(rate_hz, lsb)
    made = work(wav(pcm24(np.stack([wave] * 2, 1)), rate=rate_hz, bits=24), TO_CD)
    for name, each in made.renditions.items():
        heard = np.frombuffer(decode(each.file.path), "<i2").reshape(-1, 2)[:, 0]
        error = heard - wave / lsb
        tone = 2 * np.mean(heard * np.sin(2 * np.pi * 997 * np.arange(len(wave)) / rate_hz))
        assert tone == pytest.approx(0.4, abs=0.01), name
        # A triangle of two steps (1/6) and the rounding itself (1/12), whatever the signal.
        assert error.var() == pytest.approx(0.25, abs=0.01), name
        assert abs(error.mean()) < 0.01, name
        loud, soft = np.abs(wave) > 0.3 * lsb, np.abs(wave) < 0.1 * lsb
        assert error[loud].var() == pytest.approx(error[soft].var(), abs=0.01), name


@pytest.mark.parametrize(("preset", "seconds"), [(KEPT, 2.0), (LOUD, 0.3)])
def test_samples_over_full_scale_come_down_to_it_and_it_is_said(
    work: Callable[..., Work], preset: Preset, seconds: float
) -> None:
    samples = noise(seconds, 44_100)
    samples *= 2 / np.abs(samples).max()
    both = replace(preset, renditions=(*LOSSLESS, RenditionSpec("aac", Format.AAC, 256_000)))
    made = work(wav(samples.astype("<f4").tobytes(), bits=32, tag=3), both)
    assert made.analysis.sample_peak_dbfs == pytest.approx(6.021, abs=0.001)
    for name in ("wav", "alac", "flac"):
        each = made.renditions[name]
        assert each.evidence.verdict is Verdict.CEILING_LIMITED, name
        assert each.evidence.gain_db == pytest.approx(-6.022, abs=0.001), name
        heard = np.frombuffer(decode(each.file.path, form="f32le"), "<f4").reshape(-1, 2)
        # Nothing is cut off: the sound is what it was, at half its level.
        np.testing.assert_allclose(heard, samples / 2, atol=5e-4)
        assert np.abs(heard).max() < 1
    # AAC is encoded from floating point and holds it.
    assert made.renditions["aac"].evidence.verdict is Verdict.NOT_NORMALISED
    assert made.renditions["aac"].evidence.gain_db == 0


def test_a_stereo_mix_over_full_scale_comes_down_too(work: Callable[..., Work]) -> None:
    samples = np.repeat(noise(1, 48_000, channels=1), 6, axis=1)
    samples *= 0.99 / np.abs(samples).max()
    made = work(wav(pcm16(samples), channels=6, rate=48_000), KEPT)
    assert made.analysis.sample_peak_dbfs is not None
    assert made.analysis.stereo_sample_peak_dbfs is not None
    assert made.analysis.sample_peak_dbfs < 0 < made.analysis.stereo_sample_peak_dbfs
    verdicts = {name: each.evidence.verdict for name, each in made.renditions.items()}
    assert verdicts == {
        "wav": Verdict.NOT_NORMALISED,
        "flac": Verdict.NOT_NORMALISED,
        "alac": Verdict.CEILING_LIMITED,
    }


def test_no_dither_where_the_bits_stay(work: Callable[..., Work]) -> None:
    # 16 bits stay 16: `test_without_gain_every_sample_comes_back`. Silence stays silent too.
    made = work(wav(bytes(4 * 44_100)), TO_CD)
    assert {decode(each.file.path).count(0) for each in made.renditions.values()} == {4 * 44_100}
