"""The axes of the report's pictures: round names, each where it belongs."""

import base64
import io
import re
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.commands import sarau

from sarau.cli.report_pictures import frequency_axis, time_axis

RATE_HZ = 44_100
WALL_HZ = 15_000


def places(axis: str) -> dict[str, float]:
    """Return each name of an axis and its place in percent."""
    found = re.findall(r'style="(?:left|bottom):([\d.]+)%">([^<]+)</span>', axis)
    return {name: float(place) for place, name in found}


@pytest.mark.parametrize(
    ("top_hz", "names"),
    [
        (2_000, "0 0.5 1 1.5 2"),
        (4_000, "0 1 2 3 4"),
        (11_025, "0 2 4 6 8 10"),
        (22_050, "0 5 10 15 20"),
        (24_000, "0 5 10 15 20"),
        (48_000, "0 10 20 30 40"),
        (96_000, "0 20 40 60 80"),
    ],
)
def test_frequencies_are_round_at_any_rate(top_hz: float, names: str) -> None:
    found = places(frequency_axis(top_hz, "en"))
    assert list(found) == names.split()
    for name, place in found.items():
        assert place == pytest.approx(100 * float(name) * 1000 / top_hz, abs=0.01)
    assert "0,5" in places(frequency_axis(2_000, "pt-BR"))


@pytest.mark.parametrize(
    ("duration_s", "names"),
    [
        (0.0, ""),
        (1.5, "0:00.0 0:00.5 0:01.0 0:01.5"),
        (30.0, "0:00 0:10 0:20 0:30"),
        (183.4, "0:00 1:00 2:00 3:00"),
        (7_300.0, "0:00 30:00 60:00 90:00 120:00"),
    ],
)
def test_times_are_round_at_any_length(duration_s: float, names: str) -> None:
    found = places(time_axis(duration_s, "en"))
    assert list(found) == names.split()
    for name, place in found.items():
        minutes, seconds = name.split(":")
        at_s = 60 * int(minutes) + float(seconds)
        assert place == pytest.approx(100 * at_s / duration_s, abs=0.01)


def write_walled_noise(path: Path) -> None:
    """Write noise that ends at `WALL_HZ` and after a third of the length."""
    noise = np.random.default_rng(1).normal(0, 0.1, 6 * RATE_HZ)
    noise[2 * RATE_HZ :] = 0
    spectrum = np.fft.rfft(noise)
    spectrum[np.fft.rfftfreq(len(noise), 1 / RATE_HZ) > WALL_HZ] = 0
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((np.fft.irfft(spectrum) * 32767).astype("<i2").tobytes())


def test_what_is_seen_stands_where_the_axes_say(tmp_path: Path) -> None:
    write_walled_noise(tmp_path / "a.wav")
    sarau("process", "a.wav", "--to", ".", "--preset", "archive", "--report", ".", place=tmp_path)
    text = (tmp_path / "report.html").read_text()
    (data,) = re.findall(r"data:image/png;base64,([^\"]+)", text)
    light = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("L"), float)
    shown = places(text)
    is_sound = light[::-1].T[: light.shape[1] // 4].mean(axis=0) > light.max() / 3
    assert 100 * is_sound.mean() == pytest.approx(shown["15"], abs=1)
    is_music = light[light.shape[0] // 2 :].mean(axis=0) > light.max() / 3
    assert 100 * is_music.mean() == pytest.approx(shown["0:02"], abs=2)
    (end,) = re.findall(r'class="end" style="bottom:([\d.]+)%"', text)
    assert float(end) == pytest.approx(shown["15"], abs=1)
    assert re.search(
        r'alt="Spectrogram, from 0 Hz to 22.05\u00a0kHz; dashed the bandwidth, 15', text
    )
