"""Presets that people define: read from plain values (JSON, TOML) and held to rules.

The same reading serves the API, the command line and what the catalog kept, so that
nothing reaches the engine that it cannot make.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, Final

from sarau.errors import RefusedCode, RefusedError
from sarau.model.preset import PRESETS, Format, Preset, RenditionSpec

MAX_RENDITIONS: Final = 12
"""Of one preset; each costs an encoder at the same time."""
MAX_OWN_PRESETS: Final = 200
"""Of one user."""

MAX_NAME: Final = 64
"""Letters of a name."""

_NAME: Final = re.compile(rf"\w(?:[\w .-]{{0,{MAX_NAME - 2}}}\w)?")
"""Letters of any script; stands in addresses and may be the name of a folder."""
_RENDITION_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_RANGES: Final = {
    "target_lufs": (-70.0, 0.0),
    "ceiling_dbtp": (-20.0, 0.0),
    "max_limiting_db": (0.0, 12.0),
    "tolerance_lu": (0.1, 2.0),
}
_BITRATES_BPS: Final = {
    # Stereo; mono takes half. Below 64 kb/s MP3 falls to rates nobody asks for.
    Format.MP3: (64_000, 320_000),
    Format.AAC: (48_000, 320_000),
    Format.OPUS: (16_000, 510_000),
}
_MP3_BITRATES_BPS: Final = (64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_QUALITIES: Final = {Format.MP3: (0, 9), Format.FLAC: (0, 12), Format.VORBIS: (0, 10)}
_WITH_DEPTH: Final = frozenset({Format.FLAC, Format.WAV, Format.ALAC})
_BIT_DEPTHS: Final = (16, 24)


def to_definition(preset: Preset) -> dict[str, Any]:
    """Return a preset as plain values, which `read_preset` reads."""
    return asdict(preset)


def read_preset(given: object) -> Preset:
    """Return the preset that plain values describe.

    Raises:
        RefusedError: `invalid_preset`, saying which value does not serve.

    """
    values = _object(given, Preset, "preset")
    listed = values.pop("renditions", None)
    if not isinstance(listed, (list, tuple)) or not 1 <= len(listed) <= MAX_RENDITIONS:
        raise _invalid(f"renditions: a list of 1 to {MAX_RENDITIONS} was expected")
    renditions = tuple(_rendition(one, f"renditions[{at}]") for at, one in enumerate(listed))
    _check_streaming(renditions)
    names = [one.name for one in renditions]
    if len(set(names)) < len(names):
        raise _invalid("renditions: two of them have the same name")
    name = _text(values.pop("name", None), "name")
    if not _NAME.fullmatch(name):
        raise _invalid(f"name: 1 to {MAX_NAME} letters, digits, spaces and . - _ were expected")
    for required in ("target_lufs", "ceiling_dbtp"):
        if required not in values:
            raise _invalid(f"{required}: is missing")
    numbers = {
        key: None if key == "target_lufs" and value is None else _number(value, key)
        for key, value in values.items()
    }
    return Preset(name=name, renditions=renditions, **numbers)  # type: ignore[arg-type] # checked


def preset_name(given: str) -> str:
    """Return a name as presets keep it, however a keyboard or file system composed it."""
    return unicodedata.normalize("NFC", given.strip())


def is_built_in(name: str) -> bool:
    """Tell whether a name is one of ours, in whatever case."""
    return name.casefold() in PRESETS


def _rendition(given: object, where: str) -> RenditionSpec:
    values = _object(given, RenditionSpec, where)
    try:
        made_as = Format(_text(values.get("format"), f"{where}.format"))
    except ValueError:
        known = ", ".join(Format)
        raise _invalid(f"{where}.format: one of {known} was expected") from None
    name = _text(values.get("name", str(made_as)), f"{where}.name")
    if not _RENDITION_NAME.fullmatch(name):
        raise _invalid(f"{where}.name: 1 to 32 of a-z, 0-9 and - were expected")
    spec = RenditionSpec(
        name=name,
        format=made_as,
        bitrate_bps=_whole(values.get("bitrate_bps"), f"{where}.bitrate_bps"),
        quality=_whole(values.get("quality"), f"{where}.quality"),
        bit_depth=_depth(values.get("bit_depth"), f"{where}.bit_depth"),
    )
    _check_encoding(spec, where)
    return spec


def _check_encoding(spec: RenditionSpec, where: str) -> None:
    """Hold a rendition to what its encoder can be asked for."""
    rates, qualities = _BITRATES_BPS.get(spec.format), _QUALITIES.get(spec.format)
    if spec.bitrate_bps is not None and (
        rates is None or not rates[0] <= spec.bitrate_bps <= rates[1]
    ):
        asked = f"{rates[0]} to {rates[1]}" if rates else "nothing"
        raise _invalid(f"{where}.bitrate_bps: {asked} was expected for {spec.format}")
    if spec.quality is not None and (
        qualities is None or not qualities[0] <= spec.quality <= qualities[1]
    ):
        asked = f"{qualities[0]} to {qualities[1]}" if qualities else "nothing"
        raise _invalid(f"{where}.quality: {asked} was expected for {spec.format}")
    if spec.bit_depth is not None and spec.format not in _WITH_DEPTH:
        raise _invalid(f"{where}.bit_depth: {spec.format} has none")
    if rates and (spec.bitrate_bps is None) is (spec.quality is None):
        both = "bitrate_bps or quality" if qualities else "bitrate_bps"
        raise _invalid(f"{where}: {spec.format} needs {both}")
    if spec.format is Format.VORBIS and spec.quality is None:
        raise _invalid(f"{where}: {spec.format} needs quality")
    if spec.format is Format.MP3 and spec.bitrate_bps is not None:
        allowed = [rate * 1000 for rate in _MP3_BITRATES_BPS]
        if spec.bitrate_bps not in allowed:
            raise _invalid(f"{where}.bitrate_bps: MP3 has only {allowed}")


def _check_streaming(renditions: tuple[RenditionSpec, ...]) -> None:
    """Hold a preset to what an HLS set is made of: packets that are encoded already."""
    formats = [one.format for one in renditions]
    if formats.count(Format.HLS) > 1:
        raise _invalid("renditions: one HLS set holds all rates")
    if Format.HLS in formats and Format.AAC not in formats:
        raise _invalid("renditions: hls is made of the AAC renditions, and there is none")


def _object(given: object, kind: type, where: str) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise _invalid(f"{where}: an object was expected")
    unknown = {str(key) for key in given} - {field.name for field in fields(kind)}
    if unknown:
        raise _invalid(f"{where}: unknown {', '.join(sorted(unknown))[:200]}")
    return dict(given)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise _invalid(f"{where}: a text was expected")
    return preset_name(value)


def _number(value: object, where: str) -> float:
    low, high = _RANGES[where]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _invalid(f"{where}: a number was expected")
    if not low <= value <= high:  # NaN is in no range
        raise _invalid(f"{where}: {low:g} to {high:g} was expected")
    return float(value)


def _whole(value: object, where: str) -> int | None:
    if value is not None and type(value) is not int:
        raise _invalid(f"{where}: a whole number was expected")
    return value


def _depth(value: object, where: str) -> int | None:
    depth = _whole(value, where)
    if depth is not None and depth not in _BIT_DEPTHS:
        raise _invalid(f"{where}: 16 or 24 was expected")
    return depth


def _invalid(detail: str) -> RefusedError:
    return RefusedError(RefusedCode.INVALID_PRESET, detail)
