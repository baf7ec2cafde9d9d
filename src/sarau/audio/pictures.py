"""Pictures as SVG: waveform and loudness over time, in colours for light and dark paper.

Pure functions over what the analysis keeps; the spectrogram is drawn while it is made.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from sarau.audio._types import LoudnessCurve, Waveform

_WIDTH: Final = 1000
_WAVE_HEIGHT: Final = 120
_LOUDNESS_HEIGHT: Final = 180
TOP_LUFS, BOTTOM_LUFS = 0.0, -60.0
"""The upper and the lower edge of loudness over time."""
_INK, _SOFT, _LINE = "#d9661f", "#8b7bd8", "#8a8a94"
_HEAD: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
    'preserveAspectRatio="none" role="img">'
)


def zoom_out(waveform: Waveform, max_pixels: int) -> Waveform:
    """Return the peaks in at most `max_pixels`, neighbours merged by a whole number.

    Raises:
        ValueError: when `max_pixels` is not positive.

    """
    if max_pixels < 1:
        raise ValueError("a picture has at least one pixel")
    factor = -(-waveform.length // max_pixels)
    if factor <= 1:
        return waveform
    stride = 2 * waveform.channels
    values, merged = array("b", waveform.data), array("b")
    for start in range(0, waveform.length * stride, factor * stride):
        block = values[start : start + factor * stride]
        for channel in range(waveform.channels):
            merged.append(min(block[2 * channel :: stride]))
            merged.append(max(block[2 * channel + 1 :: stride]))
    return replace(
        waveform,
        samples_per_pixel=waveform.samples_per_pixel * factor,
        data=merged.tobytes(),
    )


def waveform_svg(waveform: Waveform) -> str:
    """Return the envelope as one filled shape; full scale fills the height."""
    small = zoom_out(waveform, _WIDTH)
    values = array("b", small.data)
    stride, middle = 2 * small.channels, _WAVE_HEIGHT / 2
    lows, highs = values[0::stride], values[1::stride]
    step = _WIDTH / max(1, len(lows))
    upper = [(at * step, middle - high / 128 * middle) for at, high in enumerate(highs)]
    lower = [(at * step, middle - low / 128 * middle + 0.5) for at, low in enumerate(lows)]
    shape = f'<path d="{_path([*upper, *reversed(lower)])}Z" fill="{_INK}"/>' if upper else ""
    return _HEAD.format(width=_WIDTH, height=_WAVE_HEIGHT) + shape + "</svg>"


def loudness_svg(curve: LoudnessCurve, integrated_lufs: float | None) -> str:
    """Return momentary loudness as an area, short-term as a line, from -60 to 0 LUFS."""
    parts = list(_grid())
    momentary, short_term = curve.momentary_lufs, curve.short_term_lufs
    if momentary:
        area = _line(momentary)
        floor = [(_WIDTH, _LOUDNESS_HEIGHT), (0.0, _LOUDNESS_HEIGHT)]
        parts.append(f'<path d="{_path([*area, *floor])}Z" fill="{_SOFT}" fill-opacity=".35"/>')
        heard = _path(_line(short_term))
        parts.append(
            f'<path d="{heard}" fill="none" stroke="{_INK}" stroke-width="2" '
            'vector-effect="non-scaling-stroke"/>'
        )
    if integrated_lufs is not None:
        parts.append(_level(integrated_lufs, f'stroke="{_INK}" stroke-dasharray="6 4"'))
    return _HEAD.format(width=_WIDTH, height=_LOUDNESS_HEIGHT) + "".join(parts) + "</svg>"


def _grid() -> Iterator[str]:
    for level in range(-50, 0, 10):
        yield _level(level, f'stroke="{_LINE}" stroke-opacity=".3"')


def _level(lufs: float, style: str) -> str:
    y = _height(lufs)
    return (
        f'<line x1="0" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}" {style} '
        'vector-effect="non-scaling-stroke"/>'
    )


def _height(lufs: float) -> float:
    share = (TOP_LUFS - lufs) / (TOP_LUFS - BOTTOM_LUFS)
    return min(1.0, max(0.0, share)) * _LOUDNESS_HEIGHT


def _line(levels: Sequence[float]) -> list[tuple[float, float]]:
    step = _WIDTH / max(1, len(levels) - 1)
    return [(at * step, _height(level)) for at, level in enumerate(levels)]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
