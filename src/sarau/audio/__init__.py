"""The engine: untrusted audio in, measured and normalised renditions out.

A library that knows no database and no HTTP. Importing it starts nothing and loads no
decoder; an `Engine` starts the process that does.
"""

from sarau.audio._division import divide
from sarau.audio._engine import Engine
from sarau.audio._plain import from_plain, to_plain
from sarau.audio._types import (
    Album,
    AlbumEvidence,
    AlbumGain,
    Analysis,
    Chapter,
    ChildReport,
    EngineReport,
    Evidence,
    GainPlan,
    Limits,
    LoudnessCurve,
    ProgressCallback,
    RenderedFile,
    Rendition,
    SandboxLevel,
    SandboxMode,
    SourceInfo,
    Verdict,
    Waveform,
)
from sarau.audio.insight import (
    Bandwidth,
    ChannelLevel,
    Clipping,
    Cues,
    Dynamics,
    Gap,
    Insight,
    Key,
    Spectrogram,
    Stereo,
    Tempo,
)

__all__ = [
    "Album",
    "AlbumEvidence",
    "AlbumGain",
    "Analysis",
    "Bandwidth",
    "ChannelLevel",
    "Chapter",
    "ChildReport",
    "Clipping",
    "Cues",
    "Dynamics",
    "Engine",
    "EngineReport",
    "Evidence",
    "GainPlan",
    "Gap",
    "Insight",
    "Key",
    "Limits",
    "LoudnessCurve",
    "ProgressCallback",
    "RenderedFile",
    "Rendition",
    "SandboxLevel",
    "SandboxMode",
    "SourceInfo",
    "Spectrogram",
    "Stereo",
    "Tempo",
    "Verdict",
    "Waveform",
    "divide",
    "from_plain",
    "to_plain",
]
