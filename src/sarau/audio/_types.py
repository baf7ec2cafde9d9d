"""What goes into the engine and what comes out: frozen, with units in the names."""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from sarau.audio.insight import Insight
from sarau.model.loudness import Loudness
from sarau.model.preset import RenditionSpec

ProgressCallback = Callable[[float], None]
"""Takes the fraction done of the current call, 0 to 1.

While sound is decoded it is called at least every half second, even when nothing moves,
and by one thread at a time, which is not always the caller's. If it raises, the work is
killed and the exception goes on to the caller.
"""


class SandboxMode(StrEnum):
    """What to do on a machine that cannot lock the children down."""

    REQUIRED = "required"
    """Refuse to work unless both Landlock and seccomp are in force."""
    BEST_EFFORT = "best_effort"
    """Work with what the kernel has; `describe` tells what that is."""


class SandboxLevel(StrEnum):
    """What holds a child back, on top of limits, white lists and its own process."""

    FULL = "full"
    """Landlock and seccomp."""
    SECCOMP = "seccomp"
    LANDLOCK = "landlock"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ChildReport:
    """What one child of the engine did and cost."""

    operation: str
    duration_s: float
    cpu_s: float
    max_rss_bytes: int
    """The most memory it held at once; 0 when its end was not seen."""
    code: str | None
    """Of the rejection or failure it ended in; None when it had a result."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost before it is rejected."""

    max_duration_s: float = 6 * 3600
    max_channels: int = 8
    max_samples: int = 2_200_000_000
    """Samples of all channels together: six hours of 48 kHz stereo, one of 96 kHz 5.1."""
    max_expansion: int = 5_000
    """How many samples a byte may decode to, beyond 100 million samples, up to 192 kHz.

    Only silence comes near it. FFmpeg's encoders, as they are, make at most 3813 samples a byte
    of it (FLAC of eight channels at 192 kHz, in blocks of 16,384), 2730 (Vorbis), 1683 (WavPack),
    765 (Opus), 326 (AAC) or 247 (ALAC). Blocks of 32,768 give 7135 at 192 kHz; FFmpeg makes them
    above 312 kHz, where more is allowed in proportion to the rate: 7434 of 9187 at 352.8 kHz.
    Monkey's Audio makes up to 147,456 at any rate: of it the first 600 million samples are free.
    """
    min_sample_rate_hz: int = 4_000
    max_sample_rate_hz: int = 384_000
    max_wall_s: float = 2 * 3600
    max_cpu_s: int = 2 * 3600
    max_idle_cpu_s: int = 8
    """CPU time without any progress: for a file that hangs a decoder.

    On a core of its own such a file ends after 9 s of wall time; four that share one, after 33.
    """
    max_idle_wall_s: float = 120
    """Wall time without progress or use of the CPU: the machine stands still, not the file."""
    max_memory_bytes: int = 1 << 30
    """Address space beyond what the engine's own libraries take."""
    max_output_bytes: int = 8 << 30
    """Of a single rendition."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """Where a part of a track begins; it ends where the next one does."""

    start_s: float
    title: str
    """May be empty."""


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What the source is, as decoded and not as it claims."""

    container: str
    """Short name: wav, flac, mp3, ogg, m4a, aiff, matroska..."""
    codec: str
    sample_rate_hz: int
    channels: int
    channel_layout: str
    bit_depth: int | None
    """Bits of a sample of a lossless source (32 for floating point); None for lossy ones."""
    bitrate_bps: int | None
    samples: int
    """Per channel, decoded."""
    duration_s: float
    lossless: bool
    tags: dict[str, str] = field(default_factory=dict)
    """Lower-case keys (title, artist, album, album_artist, track, disc, date...), bounded text."""
    tag_lists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The values of the tags that have several; in `tags` they are joined by `; `."""
    has_cover: bool = False
    chapters: tuple[Chapter, ...] = ()
    """In their order; at most 255, the titles bounded."""


@dataclass(frozen=True, slots=True)
class Waveform:
    """Peaks for pictures, in the terms of the audiowaveform program (version 2)."""

    sample_rate_hz: int
    channels: int
    samples_per_pixel: int
    bits: int
    data: bytes
    """Per pixel and channel the minimum and the maximum, as signed 8-bit integers."""

    @property
    def length(self) -> int:
        """Pixels."""
        return len(self.data) // (2 * self.channels)

    def to_json(self) -> str:
        """Return audiowaveform's JSON, which peaks.js and wavesurfer read."""
        return json.dumps(
            {
                "version": 2,
                "channels": self.channels,
                "sample_rate": self.sample_rate_hz,
                "samples_per_pixel": self.samples_per_pixel,
                "bits": self.bits,
                "length": self.length,
                "data": list(memoryview(self.data).cast("b")),
            },
            separators=(",", ":"),
        )

    def to_dat(self) -> bytes:
        """Return audiowaveform's binary form."""
        head = struct.pack(
            "<iIiiIi", 2, 1, self.sample_rate_hz, self.samples_per_pixel, self.length, self.channels
        )
        return head + self.data


@dataclass(frozen=True, slots=True)
class LoudnessCurve:
    """Loudness over time, for pictures: at most 1000 points, whatever the length.

    Point `i` stands for the windows that end within `step_s` from `i * step_s` on, and is
    the loudest of them, so that the maxima are those of `Loudness`. What is below the
    absolute gate, or has no whole window yet, is -70.
    """

    step_s: float = 0.1
    """A multiple of 100 ms."""
    momentary_lufs: tuple[float, ...] = ()
    """Of 400 ms windows, to a tenth."""
    short_term_lufs: tuple[float, ...] = ()
    """Of 3 s windows, to a tenth."""


LIMITING_STEP_DB: Final[float] = 0.5
LIMITER_MARGIN_DB: Final[float] = 0.1
"""What a limiter holds peaks below its ceiling: four times the samples may still miss some of
one of high notes."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything the first pass over a source found."""

    source: SourceInfo
    loudness: Loudness
    waveform: Waveform
    warnings: tuple[str, ...] = ()
    """Stable words: `no_loudness`, `damaged_start`, `damaged_end`, `parameters_changed`..."""
    stereo_loudness: Loudness | None = None
    """Loudness of the stereo mix that lossy renditions of a multichannel source are made of."""
    loudness_curve: LoudnessCurve = LoudnessCurve()
    """Empty in what was analysed before there was one."""
    insight: Insight | None = None
    """The quality report; None unless it was asked for."""
    limiting_loss_lu: tuple[float, ...] = ()
    """What a limiter would take from the programme loudness if it worked 0, 0.5, 1... dB
    (`LIMITING_STEP_DB`) below the true peak; empty in what was analysed before."""
    tenths: bytes = b""
    """Weighted power of every tenth of a second (`_gating`), for the loudness of an album;
    empty unless it was asked for."""
    stereo_tenths: bytes = b""
    """The same of the stereo mix of a multichannel source."""
    sample_peak_dbfs: float | None = None
    """The highest sample: above 0 only in floating point; None in silence, and in what was
    analysed before."""
    stereo_sample_peak_dbfs: float | None = None
    """The same of the stereo mix of a multichannel source."""


@dataclass(frozen=True, slots=True)
class AlbumGain:
    """The one gain that a rendition has in all tracks of an album."""

    loudness_lufs: float | None
    """Of the sources together."""
    gain_db: float
    ceiling_limited: bool
    """The gain stops short of the target: the loudest peak of all would have to come down
    further than the preset allows; or it takes samples that pass full scale down to it."""


@dataclass(frozen=True, slots=True)
class Album:
    """What tracks that belong together have in common."""

    tracks: int
    gains: dict[str, AlbumGain]
    """By the name of the rendition."""


@dataclass(frozen=True, slots=True)
class GainPlan:
    """How the level of one rendition is changed."""

    gain_db: float
    """Constant over the whole file."""
    limiter_ceiling_dbtp: float | None
    """Where the true-peak limiter works; None when it is not needed."""
    ceiling_limited: bool
    """The gain stops short of the target, as the limiter would have to work too hard; or it
    takes samples that pass full scale down to it, where the format holds no others."""
    output_gain_db: float = 0.0
    """What the header of the encoded file tells every decoder to add; Opus alone has it."""


class Verdict(StrEnum):
    """What measuring an encoded rendition found."""

    PASSED = "passed"
    FAILED = "failed"
    CEILING_LIMITED = "ceiling_limited"
    """Under its ceiling, and as near to its target as the permitted limiting allows; without
    a target, turned down to the full scale of its format, which the source passes."""
    NOT_NORMALISED = "not_normalised"
    """The preset has no target, or the source has no loudness."""


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """One encoded output on disk, not yet verified."""

    spec: RenditionSpec
    path: Path
    media_type: str
    extension: str
    """Without the dot."""
    size_bytes: int
    sample_rate_hz: int
    channels: int
    bitrate_bps: int | None
    duration_s: float
    gain: GainPlan


@dataclass(frozen=True, slots=True)
class AlbumEvidence:
    """What was measured on one rendition of all tracks of an album, as if they were one."""

    tracks: int
    integrated_lufs: float | None
    true_peak_dbtp: float | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was measured on the encoded file, decoded again."""

    loudness: Loudness
    target_lufs: float | None
    ceiling_dbtp: float
    gain_db: float
    verdict: Verdict
    samples: int
    """Per channel, decoded from the encoded file."""
    tools: dict[str, str] = field(default_factory=dict)
    album: AlbumEvidence | None = None
    """When the gain was an album's: it is the album that has the target, not the track."""


@dataclass(frozen=True, slots=True)
class Rendition:
    """A rendition with the proof of its loudness."""

    file: RenderedFile
    evidence: Evidence
    tenths: bytes = b""
    """As in `Analysis`, of the encoded file; until its album is judged."""


@dataclass(frozen=True, slots=True)
class EngineReport:
    """What the engine is made of and how well it is locked, for `sarau doctor`."""

    versions: dict[str, str]
    """pyav, libavcodec and the others, numpy, pillow, lame."""
    lame_source: str
    """`wheel` (lameenc's), `system` (Debian's library) or `bundled` (PyAV's own)."""
    sandbox_level: SandboxLevel
    landlock_abi: int
    sandbox_checks: dict[str, bool]
    """Forbidden things tried inside a real child: True says it was stopped."""
    missing: tuple[str, ...]
    """Parts whose absence costs speed or safety, in words."""
    missing_encoders: tuple[str, ...] = ()
    """Formats that cannot be made here, and what would bring them."""
