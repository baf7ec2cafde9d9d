"""Which renditions are made together when several workers make those of one track."""

from collections.abc import Mapping, Sequence
from typing import Final

from sarau.audio._plan import (
    REHEARSE_FROM_DB,
    is_foretold,
    limiting_db,
    loudness_before,
    plan_gain,
)
from sarau.audio._types import Analysis
from sarau.model.preset import Format, Preset, RenditionSpec

COSTS_S: Final[Mapping[str, float]] = {
    Format.FLAC: 0.21,
    Format.WAV: 0.15,
    Format.ALAC: 0.25,
    Format.MP3: 0.66,
    Format.AAC: 0.56,
    Format.OPUS: 0.63,
    Format.VORBIS: 0.6,
    Format.HLS: 0.0,  # packed, not encoded
}
"""CPU seconds for a minute of stereo: encoding, and decoding and measuring what came of it.
Only how they compare matters. `python -m bench.fan_out costs` measures those of `streaming`;
the others are guessed by those."""
_UNKNOWN_S: Final = 0.5


def divide(analysis: Analysis, preset: Preset, hands: int) -> tuple[tuple[RenditionSpec, ...], ...]:
    """Divide a preset's renditions into at most `hands` groups of about equal cost.

    Each group made by itself gives the same bytes as all of them made in one pass. Where
    that cannot be, because a rehearsal of the loudest decides for the others, it is one group.
    An HLS set stays with the AAC renditions whose packets it is made of.
    """
    if hands < 2 or any(_needs_rehearsal(analysis, preset, spec) for spec in preset.renditions):  # noqa: PLR2004 - one hand alone
        return (preset.renditions,)
    bundles = _bundles(preset)
    groups: list[list[RenditionSpec]] = [[] for _ in range(min(hands, len(bundles)))]
    # The dearest first, each to whoever has the least to do.
    for bundle in sorted(bundles, key=_sum_s, reverse=True):
        min(groups, key=_sum_s).extend(bundle)
    groups.sort(key=_sum_s, reverse=True)
    return tuple(tuple(sorted(group, key=preset.renditions.index)) for group in groups)


def _bundles(preset: Preset) -> list[list[RenditionSpec]]:
    """Return what has to be made by one hand."""
    has_set = any(spec.format is Format.HLS for spec in preset.renditions)
    streams = {Format.AAC, Format.HLS} if has_set else set()
    together = [spec for spec in preset.renditions if spec.format in streams]
    alone = [[spec] for spec in preset.renditions if spec.format not in streams]
    return [together, *alone] if together else alone


def _needs_rehearsal(analysis: Analysis, preset: Preset, spec: RenditionSpec) -> bool:
    if is_foretold(analysis, spec):
        return False
    plan = plan_gain(analysis, preset, spec)
    return limiting_db(plan, loudness_before(analysis, spec)) > REHEARSE_FROM_DB


def _cost_s(spec: RenditionSpec) -> float:
    return COSTS_S.get(spec.format, _UNKNOWN_S)


def _sum_s(group: Sequence[RenditionSpec]) -> float:
    return sum(map(_cost_s, group))
