"""The pictures of a track in the report, with their axes.

Axes are text beside the pictures and no part of them, so that they are sharp and upright at
any width. A screen reader leaves them out: what can be read from them is in the captions and
among the facts.
"""

import base64
import html
import math
from typing import Final

from sarau.audio import Analysis, Insight
from sarau.audio.pictures import BOTTOM_LUFS, TOP_LUFS, loudness_svg, waveform_svg
from sarau.cli.report_facts import bandwidth
from sarau.cli.report_text import clock, kilo, words, written

_MOST_TIMES: Final = 5
_MOST_FREQUENCIES: Final = 6
"""Steps of an axis, so that their names have room on a phone."""
_DIVIDED: Final = ((1, 5), (2, 4), (5, 5), (10, 5))
"""Decimal steps, and into how many smaller ones each is divided."""
_STEPS_S: Final = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800),
)
_STEP_LU: Final = 10


def pictures(analysis: Analysis, language: str) -> str:
    """Return waveform, loudness and spectrogram, each over the same times."""
    said, level = words(language), analysis.loudness.integrated_lufs
    times = time_axis(analysis.source.duration_s, language)
    wave, curve = said["waveform"], said["curve"]
    drawn = [
        _figure(wave, _named(waveform_svg(analysis.waveform), wave), times),
        _figure(
            curve,
            _named(loudness_svg(analysis.loudness_curve, level), curve),
            times,
            _level_axis(),
            "LUFS",
        ),
    ]
    if analysis.insight is not None:
        drawn.append(_spectrogram(analysis.insight, times, language))
    return "".join(drawn)


def time_axis(duration_s: float, language: str) -> str:
    """Return round times, each at its place from left to right."""
    if duration_s <= 0:
        return ""
    step_s = next((step for step in _STEPS_S if duration_s <= _MOST_TIMES * step), duration_s)
    times = (at * step_s for at in range(math.floor(duration_s / step_s) + 1))
    return "".join(
        f'<span style="left:{100 * time_s / duration_s:.2f}%">'
        f"{clock(time_s, language, tenths=step_s < 1)}</span>"
        for time_s in times
    )


def frequency_axis(top_hz: float, language: str) -> str:
    """Return round kHz, each at its place from the bottom to `top_hz`, and marks between."""
    power = 10 ** math.floor(math.log10(top_hz / _MOST_FREQUENCIES))
    step_hz, parts = next(
        (power * step, parts)
        for step, parts in _DIVIDED
        if top_hz <= _MOST_FREQUENCIES * power * step
    )
    names = "".join(
        f'<span style="bottom:{100 * at * step_hz / top_hz:.2f}%">'
        f"{written(f'{at * step_hz / 1000:g}', language)}</span>"
        for at in range(math.floor(top_hz / step_hz) + 1)
    )
    return f'<i class="marks" style="--apart:{100 * step_hz / parts / top_hz:.3f}%"></i>{names}'


def _level_axis() -> str:
    height = TOP_LUFS - BOTTOM_LUFS
    levels = range(round(BOTTOM_LUFS), round(TOP_LUFS) + 1, _STEP_LU)
    return "".join(
        f'<span style="bottom:{100 * (level - BOTTOM_LUFS) / height:.2f}%">{level}</span>'
        for level in levels
    )


def _spectrogram(insight: Insight, times: str, language: str) -> str:
    said, cutoff_hz = words(language), insight.bandwidth.cutoff_hz
    png, top_hz = insight.spectrogram.png, insight.spectrogram.top_hz
    name, end = f"{said['spectrogram']} {kilo(top_hz, 'Hz', language)}", ""
    if cutoff_hz is not None:
        name += f"; {said['cutoff']} {bandwidth(insight, language)}"
        end = f'<i class="end" style="bottom:{100 * min(1, cutoff_hz / top_hz):.2f}%"></i>'
    data = base64.b64encode(png).decode()
    image = f'<img alt="{name}" src="data:image/png;base64,{data}">{end}'
    return _figure(name, image, times, frequency_axis(top_hz, language), "kHz")


def _figure(name: str, picture: str, times: str, heights: str = "", unit: str = "") -> str:
    return (
        f'<figure><div class="plot"><div class="heights" aria-hidden="true">{heights}</div>'
        f'<div class="picture">{picture}</div><div class="unit" aria-hidden="true">{unit}</div>'
        f'<div class="times" aria-hidden="true">{times}</div></div>'
        f"<figcaption>{name}</figcaption></figure>"
    )


def _named(svg: str, name: str) -> str:
    """Give a picture the name that a screen reader says."""
    return svg.replace('role="img"', f'role="img" aria-label="{html.escape(name)}"', 1)
