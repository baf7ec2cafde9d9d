"""Ogg Vorbis by Xiph's encoder; and without it, a code that says what to do."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import mutagen
import numpy as np
import pytest
from tests.audio.kitchen import Kitchen, wav
from tests.audio.meters import decode, ebur128, probe
from tests.audio.studio import Work, noise, pcm16
from tests.sounds import write_music

from sarau.audio import Verdict
from sarau.model.preset import Format, Preset, RenditionSpec

PRESET = Preset("old", -18.0, -1.0, (RenditionSpec("vorbis", Format.VORBIS, quality=6),))
ONLY_VORBIS = """
target_lufs = -18
ceiling_dbtp = -1
renditions = [{ format = "vorbis", quality = 6 }]
"""


@pytest.mark.parametrize(
    ("rate_hz", "channels", "seconds"),
    [(44_100, 2, 5.377), (48_000, 1, 2.0), (8_000, 2, 3.0), (44_100, 2, 0.5), (96_000, 2, 3.1)],
)
def test_ffmpeg_hears_all_samples_at_the_target(
    work: Callable[..., Work], rate_hz: int, channels: int, seconds: float
) -> None:
    sound = noise(seconds, rate_hz, channels=channels, level=0.05)
    made = work(wav(pcm16(sound), rate=rate_hz, channels=channels), PRESET)
    (each,) = made.renditions.values()
    out_hz = each.file.sample_rate_hz
    assert probe(each.file.path)["codec_name"] == "vorbis"
    expected = -(-len(sound) * out_hz // rate_hz)
    assert len(decode(each.file.path)) == 2 * channels * expected
    assert each.evidence.samples == expected
    assert each.evidence.verdict is Verdict.PASSED
    heard = ebur128(each.file.path)
    assert heard.integrated_lufs == pytest.approx(each.evidence.loudness.integrated_lufs, abs=0.15)
    assert heard.true_peak_dbtp <= -1.0


def test_it_is_no_poor_encoder(work: Callable[..., Work], kitchen: Kitchen, tmp_path: Path) -> None:
    preset = replace(PRESET, target_lufs=None)
    path = work(kitchen.wav, preset).renditions["vorbis"].file.path
    sent = np.frombuffer(decode(kitchen.place / "ok.wav", form="f32le"), "<f4")
    heard = np.frombuffer(decode(path, form="f32le"), "<f4")
    native = tmp_path / "native.ogg"
    rate = ["-c:a", "vorbis", "-strict", "-2", "-b:a", str(path.stat().st_size * 8 // 6)]
    kitchen.ffmpeg("-i", str(kitchen.place / "ok.wav"), *rate, str(native))
    poor = np.frombuffer(decode(native, form="f32le"), "<f4")[: len(sent)]

    def noise_db(other: np.ndarray) -> float:
        difference = sent[: len(other)] - other
        return float(10 * np.log10(np.mean(difference**2) / np.mean(sent**2)))

    sizes = path.stat().st_size, native.stat().st_size
    print(
        f"{sizes} bytes: libvorbis {noise_db(heard):.1f} dB, FFmpeg's own {noise_db(poor):.1f} dB"
    )
    assert len(heard) == len(sent)
    assert sizes[0] < 1.1 * sizes[1]
    assert noise_db(heard) < noise_db(poor) - 2


def test_better_quality_takes_more_bytes(work: Callable[..., Work], kitchen: Kitchen) -> None:
    specs = tuple(
        RenditionSpec(f"q{quality}", Format.VORBIS, quality=quality) for quality in (0, 5, 10)
    )
    made = work(kitchen.wav, replace(PRESET, renditions=specs)).renditions
    assert made["q0"].file.size_bytes < made["q5"].file.size_bytes < made["q10"].file.size_bytes


def test_tags_and_gain_are_in_the_comments(
    work: Callable[..., Work], kitchen: Kitchen, tmp_path: Path
) -> None:
    path = tmp_path / "tagged.flac"
    path.write_bytes(kitchen.flac())
    file = mutagen.File(path)
    file["title"], file["albumartist"] = "Oração", "Coro"
    file["CHAPTER000"], file["CHAPTER000NAME"] = "00:00:01.500", "Refrão"
    file.save()
    made = work(path.read_bytes(), PRESET)
    found = mutagen.File(made.renditions["vorbis"].file.path)
    assert (found["title"], found["albumartist"]) == (["Oração"], ["Coro"])
    assert (found["chapter001"], found["chapter001name"]) == (["00:00:01.500"], ["Refrão"])
    assert found["replaygain_track_gain"][0].endswith(" dB")


def test_without_the_encoder_a_code_says_what_to_do(tmp_path: Path) -> None:
    # A package whose library cannot be loaded: what an incomplete installation looks like.
    (tmp_path / "soundfile.py").write_text('raise OSError("sndfile library not found")\n')
    (tmp_path / "old.toml").write_text(ONLY_VORBIS)
    song = write_music(tmp_path / "song.wav")

    def sarau(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "sarau", *map(str, arguments)]
        paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    to = ("--to", tmp_path / "out", "--json", "--preset")
    failed = json.loads(sarau("process", song, *to, tmp_path / "old.toml").stdout)
    assert (failed["state"], failed["code"]) == ("failed", "encoder_missing")
    assert "soundfile" in failed["detail"]
    assert json.loads(sarau("process", song, *to, "archive").stdout)["state"] == "ready"
    doctor = sarau("doctor", "--json", "--data", tmp_path / "data")
    told = json.loads(doctor.stdout)["engine"]["missing_encoders"]
    assert len(told) == 1
    assert "vorbis" in told[0]
