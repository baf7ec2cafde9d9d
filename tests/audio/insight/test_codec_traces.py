"""Sound that went through a codec is told by its blocks, and what never did is not accused."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from tests.audio.insight.signals import RATE_HZ, Report, both, codes, look, through, white
from tests.audio.kitchen import wav
from tests.audio.studio import pcm16
from tests.music import real_music

from sarau.audio import Engine, Insight
from sarau.audio.insight import _transforms as transforms
from sarau.model.findings import Severity, sentence

LASTS_S = 6


def codec(found: Insight) -> str | None:
    """Return the codec that the report accuses."""
    for finding in found.findings:
        if finding.code == "lossy_source":
            return finding.words.get("codec")
    return None


def band() -> np.ndarray:
    """Return wide stereo with the slope of music, hiss up to the end of the band, and beats."""
    samples = white(LASTS_S, 0.2)
    samples[:, 1] += 0.5 * samples[:, 0]
    for _ in range(2):
        samples[1:] = 0.5 * samples[1:] + 0.5 * samples[:-1]
    at = np.arange(len(samples)) / RATE_HZ
    beats = 0.2 + 0.8 * np.exp(-4 * (at % 0.5))
    return samples * beats[:, None] + white(LASTS_S, 0.002, seed=3)


def ffmpeg(source: Path, target: Path, *options: str) -> Path:
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(source), *options, str(target)], check=True)
    return target


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("master") / "master.wav"
    path.write_bytes(wav(pcm16(band()), rate=RATE_HZ))
    return path


def test_a_master_that_met_no_codec_has_no_trace(engine: Engine, master: Path) -> None:
    assert look(engine, master).codec_trace is None


@pytest.mark.parametrize(
    ("suffix", "options", "name"),
    [
        ("mp3", ("-q:a", "0"), "MP3"),
        ("mp3", ("-b:a", "320k"), "MP3"),
        ("mp3", ("-q:a", "2", "-ac", "1"), "MP3"),
        ("m4a", ("-b:a", "256k"), "AAC"),
        ("m4a", ("-b:a", "256k", "-ar", "48000"), "AAC"),
        ("ogg", ("-q:a", "6"), "Vorbis"),
    ],
)
def test_codecs_that_keep_the_whole_spectrum_are_told(
    engine: Engine, master: Path, suffix: str, options: tuple[str, ...], name: str
) -> None:
    found = look(engine, through(master, suffix, *options))
    assert codec(found) == name
    (finding,) = [one for one in found.findings if one.code == "lossy_source"]
    assert finding.severity is Severity.PROBLEM
    assert f"já foi {name}:" in sentence(finding, "pt-BR")
    assert f"was {name} before" in sentence(finding, "en")


@pytest.mark.parametrize(
    "options",
    [
        ("-af", "atrim=start_sample=12345,volume=-7.3dB"),
        ("-af", "volume=0.5,aresample=dither_method=triangular", "-sample_fmt", "s16"),
        ("-sample_fmt", "s32"),
    ],
)
def test_a_cut_a_gain_and_dither_do_not_hide_it(
    engine: Engine, master: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    mp3 = ffmpeg(master, tmp_path / "lossy.mp3", "-q:a", "0")
    assert codec(look(engine, ffmpeg(mp3, tmp_path / "changed.flac", *options))) == "MP3"


def test_real_music_tells_what_it_was(engine: Engine, tmp_path: Path) -> None:
    """The music of the tests is MP3; at another rate its blocks are gone."""
    for source in real_music():
        cut = ffmpeg(source, tmp_path / f"{source.stem}.flac", "-ss", "60", "-t", "20")
        assert codec(look(engine, cut)) == "MP3", source.name
        raised = ffmpeg(cut, tmp_path / f"{source.stem}.48.wav", "-ar", "48000")
        assert look(engine, raised).codec_trace is None, source.name


def test_a_lossy_file_is_not_asked_what_it_was(engine: Engine, master: Path) -> None:
    through(master, "mp3", "-q:a", "0")
    assert look(engine, master.with_name("lossy.mp3")).codec_trace is None


def clicks(every: int) -> np.ndarray:
    channel = white(6, 0.01)[:, 0]
    channel[::every] += 0.5
    return both(channel)


def steps(every: int) -> np.ndarray:
    """Return waves that repeat with a codec's blocks, and whose second channel is a bit off."""
    at = np.arange(6 * RATE_HZ)
    first = np.where(at % every < every // 2, 0.3, -0.3)
    return np.stack([first, np.roll(first, 7)], axis=1)


def gated() -> np.ndarray:
    """Noise that is silent in every other stretch of 1024 samples, as if it had blocks."""
    samples = white(6, 0.2)
    samples[np.arange(len(samples)) // 1024 % 2 == 1] = 0
    return samples


def held(length: int) -> np.ndarray:
    """Return noise each of whose samples is held for a while, as by a bit crusher."""
    samples = white(6 / length + 1, 0.2).repeat(length, axis=0)[: 6 * RATE_HZ]
    return samples + white(6, 0.001, seed=2)[: len(samples)]


@pytest.mark.parametrize(
    "samples",
    [
        clicks(576),
        clicks(1024),
        steps(128),
        steps(1024),
        steps(1152),
        gated(),
        held(16),
        held(64),
        held(128),
    ],
    ids=[
        "clicks 576",
        "clicks 1024",
        "steps 128",
        "steps 1024",
        "steps 1152",
        "gated",
        "held 16",
        "held 64",
        "held 128",
    ],
)
def test_sound_that_repeats_like_blocks_is_not_accused(report: Report, samples: np.ndarray) -> None:
    found = report(samples)
    assert found.codec_trace is None
    assert "lossy_source" not in codes(found)


def test_one_place_alone_proves_nothing(engine: Engine, master: Path, tmp_path: Path) -> None:
    """However clear it is: chance has made one that looked as clear."""
    mp3 = ffmpeg(master, tmp_path / "lossy.mp3", "-b:a", "128k")
    for samples, name in ((9_000, None), (14_000, "MP3")):
        cut = f"atrim=start_sample=20000:end_sample={20_000 + samples}"
        short = ffmpeg(mp3, tmp_path / f"{samples}.flac", "-af", cut, "-sample_fmt", "s16")
        assert codec(look(engine, short)) == name


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("samples", [1, 6_159, 6_160, 30_000])
def test_any_length_and_channels_are_looked_at(report: Report, samples: int, channels: int) -> None:
    noise = np.random.default_rng(4).normal(0, 0.1, (samples, channels)).clip(-0.9, 0.9)
    assert report(noise).codec_trace is None


@pytest.mark.parametrize(
    "window",
    [
        transforms.kaiser_bessel_window(),
        transforms.sine_window(),
        transforms.vorbis_window(),
    ],
    ids=["kaiser-bessel", "sine", "vorbis"],
)
def test_transforms_keep_the_power_of_noise(window: np.ndarray) -> None:
    """Both are orthonormal, so that a floor of one is that of the other."""
    noise = np.random.default_rng(5).normal(0, 1, 40_000).astype(np.float32)
    starts = np.arange(0, 36_000, 1024)
    assert np.square(transforms.mdct_blocks(noise, starts, window)).mean() == pytest.approx(
        1, abs=0.05
    )
    granules = transforms.mp3_granules(noise)(np.arange(0, 36_000, 576))
    assert np.square(granules).mean() == pytest.approx(1, abs=0.05)
