"""How much gain each rendition gets, and whether its peaks need holding.

Gain is constant. The limiter comes in only when the true peak would pass the ceiling
less the codec's headroom. Where it would have to work harder than the preset allows, the
gain stops and the plan says `ceiling_limited`. Its work is counted where the preset leaves
the least room, and the gain stops there in all renditions of a track, those that would have
room for more among them: so no limiter works harder, and all are planned equally loud.
Where a codec overshoots further than its headroom, its file is made again with less room, and
if the limiter works as hard as it may, with less gain: that rendition alone is softer then.

A level without a target stays as it is. Only samples that pass full scale, as those of
floating point may, come down to it where the format holds integers; the plan says
`ceiling_limited` then too.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from sarau.audio._formats import OPUS_GAIN_STEP_DB, TRAITS, is_mixed
from sarau.audio._types import (
    LIMITER_MARGIN_DB,
    LIMITING_STEP_DB,
    AlbumGain,
    Analysis,
    GainPlan,
    Verdict,
)
from sarau.model.loudness import Loudness
from sarau.model.preset import Preset, RenditionSpec

# A codec's overshoot does not shrink decibel by decibel with what it is given.
_TRIM_FACTOR: Final = 1.5
_TRIM_MARGIN_DB: Final = 0.15
_MAKE_GOOD_ROUNDS: Final = 6
_OUTPUT_GAIN_MARGIN_DB: Final = 0.005
_ROUNDING_DB: Final = 0.0005
"""Of gains, which are told in thousandths."""
_FULL_SCALE_MARGIN_DB: Final = 0.001
"""The last step of 16 bits below full scale, and one more for dither."""
REHEARSE_FROM_DB: Final = 1.0
"""Limiting up to here costs too little loudness to be worth a pass of its own."""
UNCHANGED: Final = GainPlan(gain_db=0.0, limiter_ceiling_dbtp=None, ceiling_limited=False)

P = TypeVar("P")
"""A plan of some kind."""


def planned_room_dbtp(preset: Preset, spec: RenditionSpec) -> float:
    """Return where samples have to stay, so that the decoded rendition is under the ceiling."""
    return preset.ceiling_dbtp - TRAITS[spec.format].headroom_db


def may_limit(preset: Preset) -> bool:
    """Tell whether a limiter may work at all: it does so by its margin at least."""
    return preset.max_limiting_db > LIMITER_MARGIN_DB


def highest_dbtp(preset: Preset, room_dbtp: float) -> float:
    """Return how high the gain may raise the peaks of a rendition that has this room.

    Into the least room of any rendition, and with a limiter as far above it as the preset lets
    that work. A room that was corrected may be less than any that was planned.
    """
    planned = (planned_room_dbtp(preset, spec) for spec in preset.renditions)
    return min(room_dbtp, *planned) + max(0.0, preset.max_limiting_db - LIMITER_MARGIN_DB)


def loudness_before(analysis: Analysis, spec: RenditionSpec) -> Loudness:
    """Return the loudness of what `spec` is encoded from: all channels, or their mix."""
    mixed = is_mixed(spec, analysis.source)
    return analysis.stereo_loudness or analysis.loudness if mixed else analysis.loudness


def plan_gain(analysis: Analysis, preset: Preset, spec: RenditionSpec) -> GainPlan:
    """Return the first plan for a rendition."""
    before = loudness_before(analysis, spec)
    if preset.target_lufs is None or before.integrated_lufs is None:
        return _kept(analysis, spec)
    wanted_db, room = preset.target_lufs - before.integrated_lufs, planned_room_dbtp(preset, spec)

    def plan_for(loss_lu: float) -> GainPlan:
        return within_ceiling(before, preset, gain_db=wanted_db + loss_lu, room_dbtp=room)

    if not is_foretold(analysis, spec):
        return plan_for(0.0)
    return made_good(
        plan_for(0.0), lambda plan: foretold_loss_lu(analysis, limiting_db(plan, before)), plan_for
    )


def made_good(plan: P, loss_lu: Callable[[P], float], plan_for: Callable[[float], P]) -> P:
    """Return a plan that makes good what its limiter takes: `loss_lu` tells that of a plan."""
    # More gain costs more: each round makes good what the last one would lose.
    for _ in range(_MAKE_GOOD_ROUNDS):
        plan = plan_for(loss_lu(plan))
    return plan


def _kept(analysis: Analysis, spec: RenditionSpec) -> GainPlan:
    """Return the plan for a level without a target: as it is, as far as the format holds it."""
    over_db = over_full_scale_db(analysis, spec)
    return replace(UNCHANGED, gain_db=-over_db, ceiling_limited=True) if over_db else UNCHANGED


def over_full_scale_db(analysis: Analysis, spec: RenditionSpec) -> float:
    """Return how far the samples have to come down to be held as integers; 0 if they are."""
    mixed = is_mixed(spec, analysis.source)
    peak_dbfs = analysis.stereo_sample_peak_dbfs if mixed else analysis.sample_peak_dbfs
    if not TRAITS[spec.format].lossless or peak_dbfs is None or peak_dbfs <= 0:
        return 0.0
    return round(peak_dbfs + _FULL_SCALE_MARGIN_DB, 3)


def is_foretold(analysis: Analysis, spec: RenditionSpec) -> bool:
    """Tell whether the analysis knows what limiting costs the channels of `spec`."""
    return bool(analysis.limiting_loss_lu) and not is_mixed(spec, analysis.source)


def foretold_loss_lu(analysis: Analysis, work_db: float) -> float:
    """Return what a limiter that works that hard takes from the programme loudness."""
    table = analysis.limiting_loss_lu
    place = max(0.0, work_db) / LIMITING_STEP_DB
    below = int(place)
    if below >= len(table) - 1:
        return table[-1]
    return table[below] + (place - below) * (table[below + 1] - table[below])


def within_ceiling(
    before: Loudness, preset: Preset, *, gain_db: float, room_dbtp: float
) -> GainPlan:
    """Return the plan for a wanted gain: as it is, with the limiter, or with less gain.

    `room_dbtp` is where the samples have to stay so that the decoded rendition stays
    under the ceiling.
    """
    peak_dbtp = before.true_peak_dbtp
    if peak_dbtp is None:
        return replace(UNCHANGED, gain_db=round(gain_db, 3))
    allowed_db = min(gain_db, highest_dbtp(preset, room_dbtp) - peak_dbtp)
    is_over = may_limit(preset) and peak_dbtp + allowed_db > room_dbtp + _ROUNDING_DB
    return GainPlan(
        gain_db=round(allowed_db, 3),
        limiter_ceiling_dbtp=round(room_dbtp, 3) if is_over else None,
        ceiling_limited=allowed_db < gain_db,
    )


def limiting_db(plan: GainPlan, before: Loudness) -> float:
    """Return the most that the limiter has to take away."""
    if plan.limiter_ceiling_dbtp is None or before.true_peak_dbtp is None:
        return 0.0
    return before.true_peak_dbtp + plan.gain_db - plan.limiter_ceiling_dbtp


def judge_rendition(plan: GainPlan, measured: Loudness, preset: Preset) -> Verdict:
    """Compare what was measured with what was wanted."""
    if preset.target_lufs is None:
        return judge_kept(plan)
    if measured.integrated_lufs is None:
        return Verdict.FAILED
    if measured.true_peak_dbtp is not None and measured.true_peak_dbtp > preset.ceiling_dbtp:
        return Verdict.FAILED
    error_lu = measured.integrated_lufs - preset.target_lufs
    if abs(error_lu) <= preset.tolerance_lu:
        return Verdict.PASSED
    return Verdict.CEILING_LIMITED if plan.ceiling_limited and error_lu < 0 else Verdict.FAILED


def judge_kept(plan: GainPlan | AlbumGain) -> Verdict:
    """Tell what became of a level that could not be brought to a target."""
    return Verdict.CEILING_LIMITED if plan.ceiling_limited else Verdict.NOT_NORMALISED


def turned_down(
    plan: GainPlan, spec: RenditionSpec, measured: Loudness, preset: Preset
) -> GainPlan | None:
    """Return the plan with the excess of the peak taken off in the header, if that is enough.

    None where the format has no such gain, and where the loudness would leave its tolerance.
    """
    peak_dbtp, loudness_lufs = measured.true_peak_dbtp, measured.integrated_lufs
    if not TRAITS[spec.format].has_output_gain or plan.output_gain_db:
        return None
    if peak_dbtp is None or loudness_lufs is None or peak_dbtp <= preset.ceiling_dbtp:
        return None
    over_db = peak_dbtp - preset.ceiling_dbtp + _OUTPUT_GAIN_MARGIN_DB
    output_gain_db = -math.ceil(over_db / OPUS_GAIN_STEP_DB) * OPUS_GAIN_STEP_DB
    heard = replace(
        measured,
        integrated_lufs=loudness_lufs + output_gain_db,
        true_peak_dbtp=peak_dbtp + output_gain_db,
    )
    better = replace(plan, output_gain_db=output_gain_db)
    return better if judge_rendition(better, heard, preset) is not Verdict.FAILED else None


def correct(
    plan: GainPlan,
    before: Loudness,
    measured: Loudness,
    preset: Preset,
    *,
    loss_lu: Callable[[float], float] | None = None,
) -> GainPlan | None:
    """Return a better plan after `measured`, None when this one needs no correction.

    `loss_lu` tells what a limiter that works that many decibels takes from the loudness,
    where that is known.
    """
    if judge_rendition(plan, measured, preset) is not Verdict.FAILED:
        return None
    if measured.integrated_lufs is None or preset.target_lufs is None:
        return None
    gain_db = plan.gain_db + preset.target_lufs - measured.integrated_lufs
    room_dbtp = corrected_room_dbtp(plan, before, measured, preset)
    better = within_ceiling(before, preset, gain_db=gain_db, room_dbtp=room_dbtp)
    if loss_lu is None:
        return better
    # Measured was what the last limiter took; the next one works harder.
    more_lu = loss_lu(limiting_db(better, before)) - loss_lu(limiting_db(plan, before))
    return within_ceiling(before, preset, gain_db=gain_db + more_lu, room_dbtp=room_dbtp)


def corrected_room_dbtp(
    plan: GainPlan, before: Loudness, measured: Loudness, preset: Preset
) -> float:
    """Return where the samples have to stay, now that the codec's overshoot is known."""
    over_db = (measured.true_peak_dbtp or -99.0) - preset.ceiling_dbtp
    room_dbtp = plan.limiter_ceiling_dbtp
    if room_dbtp is None:
        given_dbtp = (before.true_peak_dbtp or 0.0) + plan.gain_db
        overshoot_db = max(0.0, preset.ceiling_dbtp + over_db - given_dbtp)
        return preset.ceiling_dbtp - overshoot_db - _TRIM_MARGIN_DB
    if over_db > 0:
        room_dbtp -= trim_db(over_db)
    return room_dbtp


def trim_db(over_db: float) -> float:
    """Return how much lower to stay for an encoded file that was so far over the ceiling."""
    return over_db * _TRIM_FACTOR + _TRIM_MARGIN_DB
