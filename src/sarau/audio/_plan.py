"""How much gain each rendition gets, and whether its peaks need holding.

Gain is constant. The limiter comes in only when the true peak would pass the ceiling
less the codec's headroom, and never works more than the preset allows: from there on
the gain stops and the plan says `ceiling_limited`.
"""

from dataclasses import replace
from typing import Final

from sarau.audio._formats import TRAITS, output_channels
from sarau.audio._types import Analysis, GainPlan, Verdict
from sarau.model.loudness import Loudness
from sarau.model.preset import Preset, RenditionSpec

_TRIM_MARGIN_DB: Final = 0.05
UNCHANGED: Final = GainPlan(gain_db=0.0, limiter_ceiling_dbtp=None, ceiling_limited=False)


def loudness_before(analysis: Analysis, spec: RenditionSpec) -> Loudness:
    """Return the loudness of what `spec` is encoded from: all channels, or their mix."""
    mixed = output_channels(spec, analysis.source) != analysis.source.channels
    return analysis.stereo_loudness or analysis.loudness if mixed else analysis.loudness


def plan_gain(analysis: Analysis, preset: Preset, spec: RenditionSpec) -> GainPlan:
    """Return the first plan for a rendition."""
    before = loudness_before(analysis, spec)
    if preset.target_lufs is None or before.integrated_lufs is None:
        return UNCHANGED
    room_dbtp = preset.ceiling_dbtp - TRAITS[spec.format].headroom_db
    gain_db = preset.target_lufs - before.integrated_lufs
    return within_ceiling(before, preset, gain_db=gain_db, room_dbtp=room_dbtp)


def within_ceiling(
    before: Loudness, preset: Preset, *, gain_db: float, room_dbtp: float
) -> GainPlan:
    """Return the plan for a wanted gain: as it is, with the limiter, or with less gain."""
    if before.true_peak_dbtp is None:
        return replace(UNCHANGED, gain_db=round(gain_db, 3))
    work_db = before.true_peak_dbtp + gain_db - room_dbtp
    if work_db <= 0:
        return replace(UNCHANGED, gain_db=round(gain_db, 3))
    too_much_db = max(0.0, work_db - preset.max_limiting_db)
    return GainPlan(
        gain_db=round(gain_db - too_much_db, 3),
        limiter_ceiling_dbtp=round(room_dbtp, 3),
        ceiling_limited=too_much_db > 0,
    )


def limiting_db(plan: GainPlan, before: Loudness) -> float:
    """Return the most that the limiter has to take away."""
    if plan.limiter_ceiling_dbtp is None or before.true_peak_dbtp is None:
        return 0.0
    return before.true_peak_dbtp + plan.gain_db - plan.limiter_ceiling_dbtp


def judge_rendition(plan: GainPlan, measured: Loudness, preset: Preset) -> Verdict:
    """Compare what was measured with what was wanted."""
    if preset.target_lufs is None or (plan == UNCHANGED and measured.integrated_lufs is None):
        return Verdict.NOT_NORMALISED
    if measured.integrated_lufs is None:
        return Verdict.FAILED
    if measured.true_peak_dbtp is not None and measured.true_peak_dbtp > preset.ceiling_dbtp:
        return Verdict.FAILED
    error_lu = measured.integrated_lufs - preset.target_lufs
    if abs(error_lu) <= preset.tolerance_lu:
        return Verdict.PASSED
    return Verdict.CEILING_LIMITED if plan.ceiling_limited and error_lu < 0 else Verdict.FAILED


def correct(
    plan: GainPlan, before: Loudness, measured: Loudness, preset: Preset
) -> GainPlan | None:
    """Return a better plan after `measured`, None when this one needs no correction."""
    if judge_rendition(plan, measured, preset) is not Verdict.FAILED:
        return None
    if measured.integrated_lufs is None or preset.target_lufs is None:
        return None
    over_db = (measured.true_peak_dbtp or -99.0) - preset.ceiling_dbtp
    reached_dbtp = plan.limiter_ceiling_dbtp
    if reached_dbtp is None:
        reached_dbtp = (before.true_peak_dbtp or 0.0) + plan.gain_db
        if over_db <= 0:
            reached_dbtp = preset.ceiling_dbtp
    room_dbtp = reached_dbtp - (over_db + _TRIM_MARGIN_DB if over_db > 0 else 0.0)
    gain_db = plan.gain_db
    if not plan.ceiling_limited or measured.integrated_lufs > preset.target_lufs or over_db > 0:
        gain_db += preset.target_lufs - measured.integrated_lufs
    return within_ceiling(before, preset, gain_db=gain_db, room_dbtp=room_dbtp)
