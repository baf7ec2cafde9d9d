"""Albums: one gain for tracks that belong together, so that the soft one stays the soft one.

The loudness of an album is gated over the blocks of all its tracks in a row, which is
what measuring them as one file gives; a mean of the tracks' loudness is something else.
The gain obeys the rules of a single track (`_plan`), with the highest peak of all. What
the tracks' limiters take from the album is foretold, and measured on the encoded files.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sarau.audio._formats import is_mixed
from sarau.audio._gating import gated_lufs, join, lufs
from sarau.audio._plan import (
    foretold_loss_lu,
    highest_dbtp,
    is_foretold,
    judge_kept,
    loudness_before,
    made_good,
    may_limit,
    over_full_scale_db,
    planned_room_dbtp,
    trim_db,
)
from sarau.audio._types import (
    Album,
    AlbumEvidence,
    AlbumGain,
    Analysis,
    Rendition,
    Verdict,
)
from sarau.model.preset import Format, Preset, RenditionSpec

Tracks = Sequence[Sequence[Rendition]]
"""The renditions of each track of an album, in the order of the preset."""


def plan_album(analyses: Sequence[Analysis], preset: Preset) -> Album:
    """Return the gains of an album whose tracks were analysed with `tenths`."""
    gains = {spec.name: _plan_gain(analyses, preset, spec) for spec in preset.renditions}
    return Album(len(analyses), gains)


def album_lufs(analyses: Sequence[Analysis], spec: RenditionSpec) -> float | None:
    """Return how loud the sources are together, in the channels that `spec` is made of."""
    return gated_lufs(join(_tenths(analysis, spec) for analysis in analyses))


def correct_album(
    album: Album, analyses: Sequence[Analysis], preset: Preset, made: Tracks
) -> Album | None:
    """Return better gains for the renditions that are off, None when none is.

    Only the renditions to make again are in its `gains`: the others stay as they are. Where
    a peak of a track that was verified is still over the ceiling, the gain comes down: its
    limiter works as hard as it may, or it was encoded again as often as a track is.
    """
    if preset.target_lufs is None:
        return None
    better = {}
    for spec, heard in zip(preset.renditions, _measured(made), strict=True):
        gain = album.gains[spec.name]
        if heard.integrated_lufs is None:
            continue
        over_db = (heard.true_peak_dbtp or -99.0) - preset.ceiling_dbtp
        wanted_db = gain.gain_db + preset.target_lufs - heard.integrated_lufs
        if over_db > 0:
            lower_db = gain.gain_db - trim_db(over_db)
            corrected = replace(
                gain, gain_db=round(min(wanted_db, lower_db), 3), ceiling_limited=True
            )
        elif abs(heard.integrated_lufs - preset.target_lufs) > preset.tolerance_lu:
            corrected = _within_ceiling(gain, analyses, preset, spec, wanted_db)
        else:
            continue
        if corrected != gain:
            better[spec.name] = corrected
    _add_streams(better, album, preset)
    return Album(album.tracks, better) if better else None


def _add_streams(better: dict[str, AlbumGain], album: Album, preset: Preset) -> None:
    """Make all rates of an HLS set again when one of them is: it is made of all."""
    streams = [spec for spec in preset.renditions if spec.format in {Format.AAC, Format.HLS}]
    has_set = any(spec.format is Format.HLS for spec in streams)
    if has_set and any(spec.name in better for spec in streams):
        for spec in streams:
            better.setdefault(spec.name, album.gains[spec.name])


def judge_album(album: Album, preset: Preset, made: Tracks) -> list[tuple[Rendition, ...]]:
    """Return the renditions with what their album measures, and the verdict on it."""
    heard = _measured(made)
    return [
        tuple(
            _judged(one, album, each, preset) for one, each in zip(renditions, heard, strict=True)
        )
        for renditions in made
    ]


def _judged(one: Rendition, album: Album, heard: AlbumEvidence, preset: Preset) -> Rendition:
    verdict = one.evidence.verdict
    if verdict is Verdict.PASSED and preset.target_lufs is not None:
        gain = album.gains[one.file.spec.name]
        error_lu = (
            heard.integrated_lufs - preset.target_lufs if heard.integrated_lufs is not None else 0.0
        )
        if heard.integrated_lufs is None:
            verdict = judge_kept(gain) if gain.loudness_lufs is None else Verdict.FAILED
        elif abs(error_lu) > preset.tolerance_lu:
            is_limited = gain.ceiling_limited and error_lu < 0
            verdict = Verdict.CEILING_LIMITED if is_limited else Verdict.FAILED
    evidence = replace(one.evidence, verdict=verdict, album=heard)
    return replace(one, evidence=evidence, tenths=b"")


def _measured(made: Tracks) -> list[AlbumEvidence]:
    """Measure each rendition of all tracks as if they were one."""
    return [_measured_one(renditions) for renditions in zip(*made, strict=True)]


def _measured_one(renditions: Sequence[Rendition]) -> AlbumEvidence:
    level = gated_lufs(join(one.tenths for one in renditions))
    peaks = [one.evidence.loudness.true_peak_dbtp for one in renditions]
    return AlbumEvidence(
        tracks=len(renditions),
        integrated_lufs=round(level, 3) if level is not None else None,
        true_peak_dbtp=max((peak for peak in peaks if peak is not None), default=None),
    )


def _tenths(analysis: Analysis, spec: RenditionSpec) -> bytes:
    return analysis.stereo_tenths if is_mixed(spec, analysis.source) else analysis.tenths


def _plan_gain(analyses: Sequence[Analysis], preset: Preset, spec: RenditionSpec) -> AlbumGain:
    level = album_lufs(analyses, spec)
    rounded = round(level, 3) if level is not None else None
    gain = AlbumGain(rounded, gain_db=0.0, ceiling_limited=False)
    if preset.target_lufs is None or level is None:
        over_db = max((over_full_scale_db(each, spec) for each in analyses), default=0.0)
        return replace(gain, gain_db=-over_db, ceiling_limited=True) if over_db else gain
    wanted_db = preset.target_lufs - level
    return made_good(
        gain,
        lambda gain: _loss_lu(gain, analyses, preset, spec),
        lambda loss_lu: _within_ceiling(gain, analyses, preset, spec, wanted_db + loss_lu),
    )


def _within_ceiling(
    gain: AlbumGain,
    analyses: Sequence[Analysis],
    preset: Preset,
    spec: RenditionSpec,
    wanted_db: float,
) -> AlbumGain:
    """Return the wanted gain, or what the highest peak of all tracks leaves of it."""
    peaks = [loudness_before(each, spec).true_peak_dbtp for each in analyses]
    peak_dbtp = max((peak for peak in peaks if peak is not None), default=-99.0)
    most_dbtp = highest_dbtp(preset, planned_room_dbtp(preset, spec))
    allowed_db = min(wanted_db, most_dbtp - peak_dbtp)
    return replace(gain, gain_db=round(allowed_db, 3), ceiling_limited=allowed_db < wanted_db)


def _loss_lu(
    gain: AlbumGain, analyses: Sequence[Analysis], preset: Preset, spec: RenditionSpec
) -> float:
    """Return what the tracks' limiters would take from the album, each by its share of power."""
    if not may_limit(preset):
        return 0.0
    before = after = 0.0
    for analysis in analyses:
        power = _gated_power(_tenths(analysis, spec), gain.loudness_lufs)
        peak_dbtp = loudness_before(analysis, spec).true_peak_dbtp
        loss_lu = 0.0
        if peak_dbtp is not None and is_foretold(analysis, spec):
            work_db = peak_dbtp + gain.gain_db - planned_room_dbtp(preset, spec)
            loss_lu = foretold_loss_lu(analysis, work_db)
        before += power
        after += power * 10 ** (-loss_lu / 10)
    return float(10 * np.log10(before / after)) if after > 0 else 0.0


def _gated_power(tenths: bytes, loudness_lufs: float | None) -> float:
    """Return the power of a track in what counts for the loudness of its album."""
    powers = join([tenths])
    gate = (loudness_lufs or 0.0) - 10
    return float(powers[lufs(powers) > gate].sum())
