"""Presets: what a track is made into, and how loud."""

from dataclasses import dataclass
from enum import StrEnum


class Format(StrEnum):
    """A codec in its container, as people ask for it."""

    FLAC = "flac"
    MP3 = "mp3"
    AAC = "aac"
    OPUS = "opus"
    WAV = "wav"
    ALAC = "alac"
    VORBIS = "vorbis"
    """Where the extra `vorbis` is installed."""
    HLS = "hls"
    """All AAC renditions of the preset, for players that choose the rate as they go."""

    @property
    def extension(self) -> str:
        """What a file of it is called by, without a dot."""
        return _EXTENSIONS.get(self, self.value)


HLS_EXTENSION = "hls.zip"
"""A set is one file: `sarau.audio.hls` reads it."""
_EXTENSIONS = {
    Format.AAC: "m4a",
    Format.ALAC: "m4a",
    Format.VORBIS: "ogg",
    Format.HLS: HLS_EXTENSION,
}
"""Where it is not called like the format."""


@dataclass(frozen=True, slots=True)
class RenditionSpec:
    """One encoded output of a preset."""

    name: str
    """Unique within the preset; stands in addresses and file names."""
    format: Format
    bitrate_bps: int | None = None
    """Constant or nominal bit rate; None for lossless and for quality-driven codecs."""
    quality: int | None = None
    """The codec's own variable quality (MP3: 0 is V0; Vorbis: 10 is the best) or compression
    level (FLAC)."""
    bit_depth: int | None = None
    """Of a lossless one, 16 or 24; None for 24 where the source has more than 16, else 16."""

    def __post_init__(self) -> None:
        if self.bit_depth not in (None, 16, 24):
            raise ValueError(f"a bit depth of {self.bit_depth}")


@dataclass(frozen=True, slots=True)
class Preset:
    """A loudness target, a ceiling and a list of renditions."""

    name: str
    target_lufs: float | None
    """Programme loudness to reach; None leaves the level as it is."""
    ceiling_dbtp: float
    """No rendition's true peak may exceed this, measured after encoding."""
    renditions: tuple[RenditionSpec, ...]
    max_limiting_db: float = 3.0
    """How far a limiter may bring peaks down; beyond it the gain stops (`ceiling_limited`).
    A limiter holds peaks 0.1 dB below what they may have: up to there none is used at all."""
    tolerance_lu: float = 0.3
    """How far a rendition may be from its target and still pass."""


_DELIVERY = (
    RenditionSpec("flac", Format.FLAC, quality=5),
    RenditionSpec("mp3", Format.MP3, quality=0),
    RenditionSpec("aac", Format.AAC, bitrate_bps=256_000),
    RenditionSpec("opus", Format.OPUS, bitrate_bps=128_000),
)

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("streaming", -14.0, -1.0, _DELIVERY),
        Preset("podcast", -16.0, -1.0, _DELIVERY),
        Preset("broadcast", -23.0, -1.0, _DELIVERY),
        Preset("atsc", -24.0, -2.0, _DELIVERY),
        Preset("archive", None, 0.0, (RenditionSpec("flac", Format.FLAC, quality=8),)),
    )
}
"""The built-in presets by name: streaming services, podcasts, television, no gain at all."""

DEFAULT_PRESET = "streaming"
