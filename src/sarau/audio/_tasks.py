"""What parent and child tell each other, beyond the public types. Imports no decoder."""

from dataclasses import dataclass

from sarau.audio._types import AlbumEvidence, Analysis, GainPlan
from sarau.model.loudness import Loudness
from sarau.model.preset import Format, Preset, RenditionSpec


@dataclass(frozen=True, slots=True)
class Part:
    """One rendition to make."""

    spec: RenditionSpec
    name: str
    """The file's name in the output directory."""
    gain: GainPlan


@dataclass(frozen=True, slots=True)
class RenderJob:
    """What a child is told to render."""

    analysis: Analysis
    preset: Preset
    parts: tuple[Part, ...]
    is_gain_fixed: bool = False
    """In an album: no track makes good what its limiter takes."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What decoding one encoded file gave."""

    loudness: Loudness
    samples: int
    channel_layout: str
    tenths: bytes = b""
    """As in `Analysis`."""


@dataclass(frozen=True, slots=True)
class GainTag:
    """One finished file and what was measured on it."""

    name: str
    """The file's name in its directory."""
    format: Format
    loudness: Loudness
    album: AlbumEvidence | None = None


@dataclass(frozen=True, slots=True)
class OutputGainJob:
    """A copy to make of the input file, with another gain in its header."""

    name: str
    """The file's name in the output directory."""
    output_gain_db: float


@dataclass(frozen=True, slots=True)
class Rate:
    """One finished AAC file whose packets go into an HLS set."""

    name: str
    """Of its rendition."""
    samples: int
    """Per channel, as they were measured."""


@dataclass(frozen=True, slots=True)
class PackageJob:
    """An HLS set to make of the input files."""

    name: str
    """The file's name in the output directory."""
    rates: tuple[Rate, ...]


@dataclass(frozen=True, slots=True)
class GainJob:
    """The files of one directory whose gain is to be written into their tags."""

    files: tuple[GainTag, ...]
