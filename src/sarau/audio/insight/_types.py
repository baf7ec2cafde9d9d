"""The quality report and what else was understood: frozen, with units in the names."""

from dataclasses import dataclass, field

from sarau.model.findings import Finding
from sarau.model.fingerprint import Fingerprint


@dataclass(frozen=True, slots=True)
class ChannelLevel:
    """The level of one channel over the whole file."""

    rms_dbfs: float | None
    """Of a full-scale square wave (a full-scale sine has -3.01); None for digital silence."""
    peak_dbfs: float | None
    """Of samples, without oversampling."""
    dc_offset: float
    """Mean of all samples, full scale is 1."""


@dataclass(frozen=True, slots=True)
class Clipping:
    """Runs of at least three samples with a flat top and steep sides, at the file's own peak."""

    runs: int = 0
    samples: int = 0
    longest_samples: int = 0
    level_dbfs: float | None = None
    """Where the tops are; below 0 in what was turned down after it had clipped."""
    places_s: tuple[float, ...] = ()
    """The first of them, at most one a second and 32 in all."""


@dataclass(frozen=True, slots=True)
class Stereo:
    """How the two channels of a stereo file go together."""

    correlation: float | None
    """Of the whole file, -1 to 1; None when a channel is silent."""
    min_correlation: float | None
    """The lowest of all windows of 3 s that are within 30 dB of the loudest."""
    min_correlation_at_s: float | None
    balance_db: float | None
    """Left over right, by RMS; None when a channel is silent."""
    identical: bool
    """Both channels carry the same samples: mono in two channels."""
    inverted: bool
    """One channel is the other turned upside down: nothing is left in mono."""


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """Where the spectrum ends, and whether that looks like a codec's work."""

    cutoff_hz: float | None
    """Above it there is nothing but the noise of the format; None for silence."""
    wall_db: float
    """How far the spectrum falls there: within about 1 kHz, or 3 at the end of a lower rate."""
    lossy_confidence: float
    """0 to 1: how sure it is that the sound went through a lossy codec."""


@dataclass(frozen=True, slots=True)
class CodecTrace:
    """Blocks of a lossy codec in what is lossless now."""

    codec: str
    """`MP3`, `AAC` or `Vorbis`."""
    deviations: float
    """How far their gaps stand out from chance; chance reaches about 5."""


@dataclass(frozen=True, slots=True)
class Dynamics:
    """Ratios of peak and loudness."""

    crest_db: float | None
    """Highest sample over RMS, all channels together."""
    plr_db: float | None
    """True peak minus integrated loudness (PLR, AES TD1008)."""
    min_psr_db: float | None
    """The lowest sample peak minus loudness of any 3 s that is not silent (PSR, AES TD1008)."""
    noise_floor_dbfs: float | None
    """RMS of the quietest twentieth of the blocks of 20 ms that are not digital silence; None
    when they are not steady (within 2 dB), as in music without pauses."""
    effective_bits: int | None
    """Bits that are ever used of a lossless source; None for lossy ones."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Silence in the middle."""

    start_s: float
    length_s: float


@dataclass(frozen=True, slots=True)
class Cues:
    """The points that playout software asks for, in 20 ms steps."""

    cue_in_s: float
    """The first sound above -60 dBFS."""
    intro_end_s: float
    """Where the level first comes within 8 LU of the programme loudness, and stays for 3 s."""
    outro_start_s: float
    """Where it is within 8 LU for the last time: the next track may start."""
    cue_out_s: float
    """The last sound above -60 dBFS."""
    start_silence_s: float
    end_silence_s: float
    gaps: tuple[Gap, ...] = ()
    """Of at least 2 s, at most 32."""


@dataclass(frozen=True, slots=True)
class Tempo:
    """Beats a minute."""

    bpm: float
    confidence: float
    """0 to 1: how much of the onsets repeats at that tempo."""


@dataclass(frozen=True, slots=True)
class Key:
    """The musical key."""

    tonic: str
    """C, C#, D, Eb, E, F, F#, G, Ab, A, Bb or B."""
    mode: str
    """`major` or `minor`."""
    confidence: float
    """0 to 1: how well the notes fit, and how far ahead of the next key it is."""

    @property
    def name(self) -> str:
        """Return `A minor`, `Eb major`."""
        return f"{self.tonic} {self.mode}"


@dataclass(frozen=True, slots=True)
class Spectrogram:
    """A picture of the spectrum over time: PNG, linear in frequency from 0 at the bottom."""

    png: bytes
    top_hz: float
    """The frequency at the upper edge."""


@dataclass(frozen=True, slots=True)
class Insight:
    """The quality report of a source."""

    channels: tuple[ChannelLevel, ...]
    clipping: Clipping
    stereo: Stereo | None
    """Only of stereo."""
    bandwidth: Bandwidth
    dynamics: Dynamics
    cues: Cues
    spectrogram: Spectrogram
    tempo: Tempo | None = None
    """None without a beat that can be told."""
    key: Key | None = None
    """None without notes that can be told."""
    fingerprint: Fingerprint | None = None
    """Of the first hour; None of what is shorter than about 3 s."""
    codec_trace: CodecTrace | None = None
    """None in lossy sources, above 48 kHz, and where no codec can be told."""
    findings: tuple[Finding, ...] = field(default=())
    """What of all this a person should know, the worst first."""
