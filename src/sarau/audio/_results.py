"""What is said of the files that children made: what they are, whether they are off, the proof."""

import stat
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sarau.audio import _plan, _plan_album
from sarau.audio._formats import TRAITS, output_channels, output_rate_hz
from sarau.audio._plain import Plain
from sarau.audio._sandbox import level_of
from sarau.audio._tasks import Measured
from sarau.audio._types import (
    Analysis,
    EngineReport,
    Evidence,
    GainPlan,
    LoudnessCurve,
    RenderedFile,
    Rendition,
    Verdict,
)
from sarau.errors import FailedCode, FailedError
from sarau.model.loudness import Loudness
from sarau.model.preset import Preset, RenditionSpec

_WORST_FIRST = (
    Verdict.FAILED,
    Verdict.CEILING_LIMITED,
    Verdict.NOT_NORMALISED,
    Verdict.PASSED,
)


def file_name(spec: RenditionSpec, mark: str = "") -> str:
    """Return what a rendition is called in its directory."""
    stem = f"{spec.name}.{mark}" if mark else spec.name
    return f"{stem}.{TRAITS[spec.format].extension}"


def rendered(spec: RenditionSpec, path: Path, analysis: Analysis, gain: GainPlan) -> RenderedFile:
    """Describe a file that a child made; what is on disk is asked of the disk.

    Raises:
        FailedError: `engine_crashed`, when it is not there.

    """
    size_bytes = _size(path)
    source = analysis.source
    return RenderedFile(
        spec=spec,
        path=path,
        media_type=TRAITS[spec.format].media_type,
        extension=TRAITS[spec.format].extension,
        size_bytes=size_bytes,
        sample_rate_hz=output_rate_hz(spec, source),
        channels=output_channels(spec, source),
        bitrate_bps=round(size_bytes * 8 / source.duration_s),
        duration_s=source.duration_s,
        gain=gain,
    )


def without_pictures(analysis: Analysis) -> Analysis:
    """Return what rendering needs to know of a source."""
    return replace(
        analysis,
        waveform=replace(analysis.waveform, data=b""),
        loudness_curve=LoudnessCurve(),
        insight=None,
        tenths=b"",
        stereo_tenths=b"",
    )


def report_of(greeting: dict[str, Any], sandbox_checks: dict[str, bool]) -> EngineReport:
    """Tell what the engine is made of, from what it said when it was ready."""
    versions = read_texts(greeting["versions"])
    landlock, seccomp = int(greeting["landlock_abi"]), bool(greeting["seccomp"])
    missing = []
    if not landlock:
        missing.append("Landlock (Linux 5.13 or later)")
    if not seccomp:
        missing.append("seccomp rules for this machine")
    if greeting["slow_lame"]:
        missing.append("lameenc or libmp3lame0 (MP3 encoding takes three times as long without it)")
    return EngineReport(
        versions=versions,
        lame_source=str(greeting["lame_source"]),
        sandbox_level=level_of(landlock=landlock > 0, seccomp=seccomp),
        landlock_abi=landlock,
        sandbox_checks=sandbox_checks,
        missing=tuple(missing),
        missing_encoders=() if "vorbis" in versions else ("vorbis (install sarau[vorbis])",),
    )


def read_texts(data: Plain) -> dict[str, str]:
    """Return an object of a child's as texts by name."""
    return {str(key): str(text) for key, text in data.items()}


def set_of(spec: RenditionSpec, path: Path, rates: Sequence[Rendition]) -> Rendition:
    """Describe an HLS set by the highest of its rates, with the worst verdict of all.

    What was measured on the AAC files holds for it: its packets are theirs.

    Raises:
        FailedError: `engine_crashed`, when it is not there.

    """
    top = max(rates, key=lambda one: one.file.bitrate_bps or 0)
    peaks = [one.evidence.loudness.true_peak_dbtp for one in rates]
    highest = max((peak for peak in peaks if peak is not None), default=None)
    verdicts = {one.evidence.verdict for one in rates}
    worst = next(verdict for verdict in _WORST_FIRST if verdict in verdicts)
    loudness = replace(top.evidence.loudness, true_peak_dbtp=highest)
    traits = TRAITS[spec.format]
    file = replace(
        top.file,
        spec=spec,
        path=path,
        media_type=traits.media_type,
        extension=traits.extension,
        size_bytes=_size(path),
    )
    return replace(top, file=file, evidence=replace(top.evidence, loudness=loudness, verdict=worst))


def _size(path: Path) -> int:
    try:
        found = path.lstat()
    except OSError as error:
        raise FailedError(FailedCode.ENGINE_CRASHED, f"{path.name} was not made") from error
    if not stat.S_ISREG(found.st_mode):
        raise FailedError(FailedCode.ENGINE_CRASHED, f"{path.name} is no file")
    return found.st_size


def find_trims(
    analysis: Analysis,
    preset: Preset,
    files: Sequence[RenderedFile],
    measured: Sequence[Measured],
    *,
    in_album: bool,
) -> dict[int, GainPlan]:
    """Return better plans for the files that are off, by their index."""
    find = _find_in_album if in_album else _find_better
    found = {
        index: find(file, heard.loudness, analysis, preset)
        for index, (file, heard) in enumerate(zip(files, measured, strict=True))
    }
    return {
        index: better
        for index, better in found.items()
        if better is not None and better != files[index].gain
    }


def _find_better(
    file: RenderedFile, heard: Loudness, analysis: Analysis, preset: Preset
) -> GainPlan | None:
    softer = _plan.turned_down(file.gain, file.spec, heard, preset)
    if softer is not None:
        return softer
    before = _plan.loudness_before(analysis, file.spec)
    is_foretold = _plan.is_foretold(analysis, file.spec)
    loss_lu = partial(_plan.foretold_loss_lu, analysis) if is_foretold else None
    return _plan.correct(file.gain, before, heard, preset, loss_lu=loss_lu)


def _find_in_album(
    file: RenderedFile, heard: Loudness, analysis: Analysis, preset: Preset
) -> GainPlan | None:
    before = _plan.loudness_before(analysis, file.spec)
    return _plan_album.correct_in_album(file.gain, before, heard, preset)


def evidence_of(
    file: RenderedFile,
    heard: Measured,
    analysis: Analysis,
    preset: Preset,
    tools: dict[str, str],
    *,
    in_album: bool,
) -> Evidence:
    """Return the proof of what was measured on a file."""
    before = _plan.loudness_before(analysis, file.spec)
    if in_album:
        verdict = _plan_album.judge_in_album(file.gain, before, heard.loudness, preset)
    elif before.integrated_lufs is None:
        verdict = _plan.judge_kept(file.gain)
    else:
        verdict = _plan.judge_rendition(file.gain, heard.loudness, preset)
    return Evidence(
        loudness=heard.loudness,
        target_lufs=preset.target_lufs,
        ceiling_dbtp=preset.ceiling_dbtp,
        gain_db=round(file.gain.gain_db + file.gain.output_gain_db, 3),
        verdict=verdict,
        samples=heard.samples,
        tools=tools,
    )
