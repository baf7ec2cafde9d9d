"""How one track of an album is levelled: the gain is given, only its peaks are its own."""

from sarau.audio._plan import (
    corrected_room_dbtp,
    judge_kept,
    loudness_before,
    may_limit,
    planned_room_dbtp,
)
from sarau.audio._types import LIMITER_MARGIN_DB, Album, Analysis, GainPlan, Verdict
from sarau.model.loudness import Loudness
from sarau.model.preset import Preset, RenditionSpec


def plan_in_album(
    album: Album, analysis: Analysis, preset: Preset, spec: RenditionSpec
) -> GainPlan:
    """Return the plan for a rendition of one track: the album's gain, and its own limiter."""
    room = planned_room_dbtp(preset, spec)
    gain = album.gains[spec.name]
    peak_dbtp = loudness_before(analysis, spec).true_peak_dbtp
    is_over = peak_dbtp is not None and peak_dbtp + gain.gain_db > room
    is_limited = is_over and preset.target_lufs is not None and may_limit(preset)
    return GainPlan(
        gain_db=gain.gain_db,
        limiter_ceiling_dbtp=round(room, 3) if is_limited else None,
        ceiling_limited=gain.ceiling_limited,
    )


def correct_in_album(
    plan: GainPlan, before: Loudness, measured: Loudness, preset: Preset
) -> GainPlan | None:
    """Return a plan that holds the peaks lower, None when they are low enough.

    None, too, where no limiter may do so, or none that works harder than this one: then, as
    where a track is over after its last trim, the album's gain has to come down
    (`sarau.audio.album.correct_album`).
    """
    peak_dbtp = measured.true_peak_dbtp
    if preset.target_lufs is None or not may_limit(preset) or before.true_peak_dbtp is None:
        return None
    if peak_dbtp is None or peak_dbtp <= preset.ceiling_dbtp:
        return None
    hardest_dbtp = before.true_peak_dbtp + plan.gain_db - preset.max_limiting_db + LIMITER_MARGIN_DB
    lower_dbtp = max(corrected_room_dbtp(plan, before, measured, preset), hardest_dbtp)
    better = GainPlan(plan.gain_db, round(lower_dbtp, 3), plan.ceiling_limited)
    return better if better != plan else None


def judge_in_album(plan: GainPlan, before: Loudness, measured: Loudness, preset: Preset) -> Verdict:
    """Tell whether a track got just the album's gain and stays under the ceiling.

    Whether the album is at its target is judged when all its tracks are known.
    """
    if preset.target_lufs is None:
        return judge_kept(plan)
    if measured.true_peak_dbtp is not None and measured.true_peak_dbtp > preset.ceiling_dbtp:
        return Verdict.FAILED
    if before.integrated_lufs is None:
        return Verdict.PASSED
    if measured.integrated_lufs is None:
        return Verdict.FAILED
    error_lu = measured.integrated_lufs - before.integrated_lufs - plan.gain_db
    is_held = plan.limiter_ceiling_dbtp is not None and error_lu < 0
    return Verdict.PASSED if is_held or abs(error_lu) <= preset.tolerance_lu else Verdict.FAILED
