from typing import Any

import pytest

from sarau.errors import RefusedError
from sarau.model.filenames import suffixes
from sarau.model.own_preset import read_preset, to_definition
from sarau.model.preset import PRESETS, Format

MP3: dict[str, Any] = {"format": "mp3", "bitrate_bps": 320_000}
GOOD: dict[str, Any] = {
    "name": "Rádio da manhã",
    "target_lufs": -18,
    "ceiling_dbtp": -2.0,
    "renditions": [MP3],
}


@pytest.mark.parametrize("name", PRESETS)
def test_a_built_in_preset_is_read_back_as_it_was(name: str) -> None:
    assert read_preset(to_definition(PRESETS[name])) == PRESETS[name]


def test_what_is_left_out_takes_the_defaults() -> None:
    preset = read_preset(GOOD)
    assert (preset.max_limiting_db, preset.tolerance_lu) == (3.0, 0.3)
    assert (preset.renditions[0].name, preset.renditions[0].format) == ("mp3", Format.MP3)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": ""}, "name"),
        ({"name": "../x"}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": 7}, "name"),
        ({"target_lufs": 1}, "target_lufs"),
        ({"target_lufs": -71}, "target_lufs"),
        ({"target_lufs": float("nan")}, "target_lufs"),
        ({"target_lufs": 10**400}, "target_lufs"),
        ({"target_lufs": "loud"}, "target_lufs"),
        ({"target_lufs": True}, "target_lufs"),
        ({"ceiling_dbtp": 0.1}, "ceiling_dbtp"),
        ({"ceiling_dbtp": None}, "ceiling_dbtp"),
        ({"max_limiting_db": -1}, "max_limiting_db"),
        ({"tolerance_lu": 0}, "tolerance_lu"),
        ({"colour": "red"}, "colour"),
        ({"renditions": []}, "renditions"),
        ({"renditions": "mp3"}, "renditions"),
        ({"renditions": [MP3] * 2}, "same name"),
        ({"renditions": [{**MP3, "name": f"m{i}"} for i in range(13)]}, "1 to 12"),
        ({"renditions": [{"format": "exe"}]}, "format"),
        ({"renditions": [{"format": "mp3"}]}, "needs bitrate_bps or quality"),
        ({"renditions": [{**MP3, "quality": 0}]}, "needs bitrate_bps or quality"),
        ({"renditions": [{**MP3, "bitrate_bps": 111_000}]}, "MP3 has only"),
        ({"renditions": [{**MP3, "bitrate_bps": 2.5}]}, "whole number"),
        ({"renditions": [{**MP3, "bit_depth": 16}]}, "bit_depth"),
        ({"renditions": [{**MP3, "name": "A/B"}]}, "name"),
        ({"renditions": [{"format": "aac"}]}, "needs bitrate_bps"),
        ({"renditions": [{"format": "opus", "bitrate_bps": 600_000}]}, "bitrate_bps"),
        ({"renditions": [{"format": "wav", "bitrate_bps": 128_000}]}, "bitrate_bps"),
        ({"renditions": [{"format": "alac", "quality": 5}]}, "quality"),
        ({"renditions": [{"format": "flac", "quality": 13}]}, "quality"),
        ({"renditions": [{"format": "flac", "bit_depth": 20}]}, "16 or 24"),
    ],
)
def test_a_value_that_does_not_serve_is_named(change: dict[str, Any], named: str) -> None:
    with pytest.raises(RefusedError, match="invalid_preset") as refused:
        read_preset({**GOOD, **change})
    assert named in refused.value.detail


@pytest.mark.parametrize("given", [None, [], "streaming", {}])
def test_what_is_no_preset_is_refused(given: object) -> None:
    with pytest.raises(RefusedError, match="invalid_preset"):
        read_preset(given)


def test_renditions_that_share_an_extension_are_told_apart() -> None:
    named = suffixes([("flac", "flac"), ("aac", "m4a"), ("alac", "m4a")])
    assert named == [".flac", " (aac).m4a", " (alac).m4a"]
