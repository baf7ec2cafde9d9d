"""What is said of the files that children made: what they are, whether they are off, the proof."""

import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sarau.audio import _plan, _plan_album
from sarau.audio._formats import TRAITS, output_channels, output_rate_hz
from sarau.audio._tasks import Measured
from sarau.audio._types import Analysis, Evidence, GainPlan, LoudnessCurve, RenderedFile
from sarau.errors import FailedCode, FailedError
from sarau.model.preset import Preset, RenditionSpec


def file_name(spec: RenditionSpec, mark: str = "") -> str:
    """Return what a rendition is called in its directory."""
    stem = f"{spec.name}.{mark}" if mark else spec.name
    return f"{stem}.{TRAITS[spec.format].extension}"


def rendered(spec: RenditionSpec, path: Path, analysis: Analysis, gain: GainPlan) -> RenderedFile:
    """Describe a file that a child made; what is on disk is asked of the disk.

    Raises:
        FailedError: `engine_crashed`, when it is not there.

    """
    try:
        found = path.lstat()
    except OSError as error:
        raise FailedError(FailedCode.ENGINE_CRASHED, f"{path.name} was not made") from error
    if not stat.S_ISREG(found.st_mode):
        raise FailedError(FailedCode.ENGINE_CRASHED, f"{path.name} is no file")
    source = analysis.source
    return RenderedFile(
        spec=spec,
        path=path,
        media_type=TRAITS[spec.format].media_type,
        extension=TRAITS[spec.format].extension,
        size_bytes=found.st_size,
        sample_rate_hz=output_rate_hz(spec, source),
        channels=output_channels(spec, source),
        bitrate_bps=round(found.st_size * 8 / source.duration_s),
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


def find_trims(
    analysis: Analysis,
    preset: Preset,
    files: Sequence[RenderedFile],
    measured: Sequence[Measured],
    *,
    in_album: bool,
) -> dict[int, GainPlan]:
    """Return better plans for the files that are off, by their index."""
    correct = _plan_album.correct_in_album if in_album else _plan.correct
    trims = {}
    for index, (file, heard) in enumerate(zip(files, measured, strict=True)):
        before = _plan.loudness_before(analysis, file.spec)
        better = correct(file.gain, before, heard.loudness, preset)
        if better is not None and better != file.gain:
            trims[index] = better
    return trims


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
    if in_album:
        before = _plan.loudness_before(analysis, file.spec)
        verdict = _plan_album.judge_in_album(file.gain, before, heard.loudness, preset)
    else:
        verdict = _plan.judge_rendition(file.gain, heard.loudness, preset)
    return Evidence(
        loudness=heard.loudness,
        target_lufs=preset.target_lufs,
        ceiling_dbtp=preset.ceiling_dbtp,
        gain_db=file.gain.gain_db,
        verdict=verdict,
        samples=heard.samples,
        tools=tools,
    )
