"""A lossy file sold as lossless is noticed; a genuine one is not accused."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from tests.audio.insight.signals import RATE_HZ, Report, codes, look, through, white
from tests.audio.kitchen import wav
from tests.audio.studio import pcm16
from tests.music import real_music

from sarau.audio import Engine, Insight


def lossy(found: Insight) -> float | None:
    """Return how sure the spectrum makes a report that says lossy, in percent."""
    if "lossy_source" not in codes(found):
        return None
    return 100 * found.bandwidth.lossy_confidence


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Noise with the slope of music up to the end of the band, and swelling."""
    samples = white(12, 0.1)
    for _ in range(2):
        samples[1:] = 0.5 * samples[1:] + 0.5 * samples[:-1]
    path = tmp_path / "music.wav"
    path.write_bytes(wav(pcm16(samples + white(12, 0.01, seed=3)), rate=RATE_HZ))
    return path


def test_genuine_sound_is_not_accused(engine: Engine, music: Path) -> None:
    found = look(engine, music)
    assert lossy(found) is None
    assert found.bandwidth.cutoff_hz == RATE_HZ / 2
    assert found.bandwidth.lossy_confidence == 0


@pytest.mark.parametrize(
    ("suffix", "options", "low_khz", "high_khz", "least_percent"),
    [
        ("mp3", ("-b:a", "128k"), 15.8, 17.0, 90),
        ("mp3", ("-b:a", "192k"), 18.2, 19.2, 90),
        ("mp3", ("-b:a", "320k"), 19.8, 20.4, 60),
        ("m4a", ("-b:a", "128k"), 16.5, 18.0, 70),
        ("opus", ("-b:a", "128k"), 19.7, 20.4, 60),
    ],
)
def test_what_a_codec_cut_is_noticed_in_flac(
    engine: Engine,
    music: Path,
    suffix: str,
    options: tuple[str, ...],
    low_khz: float,
    high_khz: float,
    least_percent: float,
) -> None:
    found = look(engine, through(music, suffix, *options))
    sure = lossy(found)
    assert sure is not None
    assert sure >= least_percent
    assert found.bandwidth.cutoff_hz is not None
    assert low_khz * 1000 <= found.bandwidth.cutoff_hz <= high_khz * 1000


def test_the_codec_itself_is_not_accused_of_being_one(engine: Engine, music: Path) -> None:
    through(music, "mp3", "-b:a", "128k")
    found = look(engine, music.with_name("lossy.mp3"))
    assert found.bandwidth.lossy_confidence > 0.9
    assert lossy(found) is None


def test_real_mp3s_as_flac_are_noticed(engine: Engine, tmp_path: Path) -> None:
    noticed = []
    for index, source in enumerate(real_music()):
        path = tmp_path / f"{index}.flac"
        cut = ("-ss", "60", "-t", "40", "-i", str(source))
        subprocess.run(["ffmpeg", "-v", "error", *cut, str(path)], check=True)
        noticed.append(look(engine, path).bandwidth)
    print(noticed)
    assert all(each.wall_db > 20 for each in noticed)


def test_a_rate_that_was_only_raised_has_an_empty_band(engine: Engine, music: Path) -> None:
    raised = music.with_name("raised.flac")
    convert = ("-af", "aresample=96000:filter_size=64:cutoff=0.97", "-sample_fmt", "s16")
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(music), *convert, str(raised)], check=True)
    found = look(engine, raised)
    (finding,) = [f for f in found.findings if f.code == "empty_band"]
    assert finding.values["cutoff_khz"] == pytest.approx(22.5, abs=0.7)
    assert lossy(found) is None


def converted(path: Path, *options: str) -> Path:
    """Convert a file as FFmpeg does by itself."""
    made = path.with_name("-".join(options).strip("-") + ".wav")
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), *options, str(made)], check=True)
    return made


def test_a_low_rate_that_was_raised_to_a_usual_one_has_an_empty_band(
    engine: Engine, music: Path
) -> None:
    found = look(engine, converted(converted(music, "-ar", "22050"), "-ar", "44100"))
    (finding,) = [f for f in found.findings if f.code == "empty_band"]
    assert finding.values["cutoff_khz"] == pytest.approx(11.4, abs=1.1)
    assert lossy(found) is None


def dark(rate_hz: int, seconds: float = 6) -> np.ndarray:
    """Noise that falls by 24 dB an octave above 2 kHz."""
    samples = white(seconds, 0.1, rate_hz=rate_hz)
    at_hz = np.fft.rfftfreq(len(samples), 1 / rate_hz)[:, None]
    fall = (1 + (at_hz / 2000) ** 2) ** -2
    return np.fft.irfft(np.fft.rfft(samples, axis=0) * fall, len(samples), axis=0)


def test_of_dark_music_the_noise_of_the_format_shows_where_the_lower_rate_ended(
    engine: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "dark.wav"
    path.write_bytes(wav(pcm16(dark(RATE_HZ) + white(6, 1e-5, seed=2)), rate=RATE_HZ))
    found = look(engine, converted(path, "-ar", "96000", "-c:a", "pcm_s24le"))
    (finding,) = [f for f in found.findings if f.code == "empty_band"]
    assert finding.values["cutoff_khz"] == pytest.approx(22.5, abs=0.7)


@pytest.mark.parametrize(("rate_hz", "bits"), [(RATE_HZ, 16), (RATE_HZ, 24), (96_000, 24)])
def test_dark_music_that_fades_into_the_noise_has_no_empty_band(
    report: Report, rate_hz: int, bits: int
) -> None:
    noise = white(6, 3e-5 if bits == 16 else 3e-6, rate_hz=rate_hz, seed=2)
    found = report(dark(rate_hz) + noise, rate_hz=rate_hz, bits=bits)
    assert not {"empty_band", "lossy_source"} & codes(found)
