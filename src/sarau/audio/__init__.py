"""The engine: untrusted audio in, measured and normalised renditions out.

A library that knows no database and no HTTP. Importing it starts nothing and loads no
decoder; an `Engine` starts the process that does. That process imports this package too, and
needs neither the engine nor all that drives it: each name is looked up when it is asked for.
"""

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sarau.audio._division import divide as divide
    from sarau.audio._engine import Engine as Engine
    from sarau.audio._plain import from_plain as from_plain
    from sarau.audio._plain import to_plain as to_plain
    from sarau.audio._types import Album as Album
    from sarau.audio._types import AlbumEvidence as AlbumEvidence
    from sarau.audio._types import AlbumGain as AlbumGain
    from sarau.audio._types import Analysis as Analysis
    from sarau.audio._types import Chapter as Chapter
    from sarau.audio._types import ChildReport as ChildReport
    from sarau.audio._types import EngineReport as EngineReport
    from sarau.audio._types import Evidence as Evidence
    from sarau.audio._types import GainPlan as GainPlan
    from sarau.audio._types import Limits as Limits
    from sarau.audio._types import LoudnessCurve as LoudnessCurve
    from sarau.audio._types import ProgressCallback as ProgressCallback
    from sarau.audio._types import RenderedFile as RenderedFile
    from sarau.audio._types import Rendition as Rendition
    from sarau.audio._types import SandboxLevel as SandboxLevel
    from sarau.audio._types import SandboxMode as SandboxMode
    from sarau.audio._types import SourceInfo as SourceInfo
    from sarau.audio._types import Verdict as Verdict
    from sarau.audio._types import Waveform as Waveform
    from sarau.audio.insight import Bandwidth as Bandwidth
    from sarau.audio.insight import ChannelLevel as ChannelLevel
    from sarau.audio.insight import Clipping as Clipping
    from sarau.audio.insight import Cues as Cues
    from sarau.audio.insight import Dynamics as Dynamics
    from sarau.audio.insight import Gap as Gap
    from sarau.audio.insight import Insight as Insight
    from sarau.audio.insight import Key as Key
    from sarau.audio.insight import Spectrogram as Spectrogram
    from sarau.audio.insight import Stereo as Stereo
    from sarau.audio.insight import Tempo as Tempo

_HOMES: Final = ("_types", "insight", "_plain", "_division", "_engine")
"""Where the names above are, the heaviest last."""


def __getattr__(name: str) -> object:
    if not name.startswith("_"):
        for home in _HOMES:
            module = importlib.import_module(f"{__name__}.{home}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
