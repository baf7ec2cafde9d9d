"""What a mastering engineer would tell about a source: levels, stereo, spectrum, cues, key.

Everything here is a collector: it is given the canonical samples once, piece by piece, in
memory that does not grow with them beyond a few numbers a second. `_collect.Collector`
joins them; importing this package loads none of them.
"""

from sarau.audio.insight._types import (
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
    "Bandwidth",
    "ChannelLevel",
    "Clipping",
    "Cues",
    "Dynamics",
    "Gap",
    "Insight",
    "Key",
    "Spectrogram",
    "Stereo",
    "Tempo",
]
