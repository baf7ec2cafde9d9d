"""The second pass: one decode, fanned out to all encoders."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from av.audio.frame import AudioFrame

from sarau.audio._analyse import stereo_mixer
from sarau.audio._cover import read_cover, remake_cover
from sarau.audio._decode import Canonical, Source
from sarau.audio._encode import Encoder
from sarau.audio._formats import output_bits, output_channels
from sarau.audio._frames import Chain
from sarau.audio._lanes import side_by_side
from sarau.audio._limiter import Limiter
from sarau.audio._meter import Meter
from sarau.audio._plain import Plain, from_plain, to_plain
from sarau.audio._plan import UNCHANGED, limiting_db, loudness_before, within_ceiling
from sarau.audio._reporter import Reporter
from sarau.audio._tags import write_tags
from sarau.audio._tasks import Part, RenderJob
from sarau.audio._types import GainPlan, Limits
from sarau.errors import FailedCode, FailedError
from sarau.model.loudness import Loudness

_REHEARSE_FROM_DB: Final = 1.0
"""Limiting up to here costs too little loudness to be worth a pass of its own."""
_MAX_REHEARSALS: Final = 2
_GOOD_ENOUGH_LU: Final = 0.1
_REHEARSAL_SHARE: Final = 0.12


@dataclass(slots=True)
class Group:
    """Renditions that are encoded from the same samples."""

    gain: GainPlan
    layout: str
    before: Loudness
    parts: list[Part] = field(default_factory=list)


def run(job: dict[str, Any], inputs: list[int], reporter: Reporter) -> Plain:
    """Render the first input; the operation of a child. Returns the plans as carried out."""
    limits = from_plain(Limits, job["limits"])
    task = from_plain(RenderJob, job["task"])
    groups = _group(task)
    rehearsals = 0
    while rehearsals < _MAX_REHEARSALS and _needs_rehearsal(groups):
        start = rehearsals * _REHEARSAL_SHARE
        reporter.part(start, start + _REHEARSAL_SHARE)
        if not _rehearse(task, groups, Source(inputs[0], limits), reporter):
            break
        rehearsals += 1
    reporter.part(rehearsals * _REHEARSAL_SHARE, 1.0)
    picture = _picture(task, inputs[0], limits)
    _encode(task, groups, Source(inputs[0], limits), reporter)
    for part in task.parts:
        write_tags(Path(part.name), part.spec.format, task.analysis.source.tags, picture)
    return {part.name: to_plain(group.gain) for group in groups for part in group.parts}


def _picture(task: RenderJob, fd: int, limits: Limits) -> bytes | None:
    if not task.analysis.source.has_cover:
        return None
    cover = read_cover(Source(fd, limits).container)
    return remake_cover(cover) if cover is not None else None


def _group(task: RenderJob) -> list[Group]:
    groups: dict[tuple[GainPlan, str], Group] = {}
    source = task.analysis.source
    for part in task.parts:
        mixed = output_channels(part.spec, source) != source.channels
        layout = "stereo" if mixed else source.channel_layout
        before = loudness_before(task.analysis, part.spec)
        group = groups.setdefault((part.gain, layout), Group(part.gain, layout, before))
        group.parts.append(part)
    return list(groups.values())


def _needs_rehearsal(groups: list[Group]) -> bool:
    return any(limiting_db(group.gain, group.before) > _REHEARSE_FROM_DB for group in groups)


def _rehearse(task: RenderJob, groups: list[Group], source: Source, reporter: Reporter) -> bool:
    """Measure what the limiter leaves and correct the gain; False when nothing changed."""
    target_lufs = task.preset.target_lufs
    tried = [group for group in groups if limiting_db(group.gain, group.before) > 0]
    meters = [Meter(source.sample_rate_hz, group.layout, peaks=False) for group in tried]
    stages = [Stage(source, group) for group in tried]
    for frame in _canonical(source, task, reporter):
        for stage, meter in zip(stages, meters, strict=True):
            for out in stage.push(frame):
                meter.push(out)
            if frame is None:
                meter.push(None)
    changed = False
    for group, meter in zip(tried, meters, strict=True):
        heard = meter.result().integrated_lufs
        if heard is None or target_lufs is None or group.gain.limiter_ceiling_dbtp is None:
            continue
        if abs(heard - target_lufs) <= _GOOD_ENOUGH_LU:
            continue
        plan = within_ceiling(
            group.before,
            task.preset,
            gain_db=group.gain.gain_db + target_lufs - heard,
            room_dbtp=group.gain.limiter_ceiling_dbtp,
        )
        changed = changed or plan.gain_db != group.gain.gain_db
        group.gain = plan
    return changed


def _encode(task: RenderJob, groups: list[Group], source: Source, reporter: Reporter) -> None:
    info = task.analysis.source
    outputs = []
    for group in groups:
        exact = group.gain == UNCHANGED and _fits(task) and group.layout == info.channel_layout
        encoders = [
            Encoder(part.spec, Path(part.name), info, layout=group.layout, exact=exact)
            for part in group.parts
        ]
        outputs.append((Stage(source, group), side_by_side(encoders)))
    for frame in _canonical(source, task, reporter):
        for stage, lanes in outputs:
            for out in stage.push(frame):
                for lane in lanes:
                    lane.push(out)
    for _, lanes in outputs:
        for lane in lanes:
            lane.push(None)


def _fits(task: RenderJob) -> bool:
    """Tell whether a lossless rendition holds the source's samples as they are."""
    info = task.analysis.source
    return info.lossless and (info.bit_depth or 0) <= output_bits(info)


def _canonical(source: Source, task: RenderJob, reporter: Reporter) -> Iterator[AudioFrame | None]:
    """Yield canonical frames and at last None.

    Raises:
        FailedError: `source_damaged`, when it is not the sound that was analysed.

    """
    canonical = Canonical(source)
    expected = task.analysis.source.samples
    count = 0
    for frame in source.frames():
        for piece in canonical.push(frame):
            count += piece.samples
            yield piece
        reporter.progress(count / expected)
    for piece in canonical.push(None):
        count += piece.samples
        yield piece
    if count != expected:
        detail = f"{count} samples, {expected} when it was analysed"
        raise FailedError(FailedCode.SOURCE_DAMAGED, detail)
    yield None


class Stage:
    """Mix, gain and limiter of a group."""

    def __init__(self, source: Source, group: Group) -> None:
        rate_hz = source.sample_rate_hz
        self._mixer = (
            stereo_mixer(rate_hz, source.layout) if group.layout != source.layout else None
        )
        gain = group.gain
        self._volume = (
            Chain(
                [("volume", f"volume={gain.gain_db}dB:precision=float")],
                rate_hz=rate_hz,
                sample_format="fltp",
                layout=group.layout,
            )
            if gain.gain_db
            else None
        )
        ceiling = gain.limiter_ceiling_dbtp
        self._limiter = Limiter(rate_hz, group.layout, ceiling) if ceiling is not None else None

    def push(self, frame: AudioFrame | None) -> Iterator[AudioFrame]:
        """Take a canonical frame, or the end, and yield what is to be encoded."""
        steps = [step for step in (self._mixer, self._volume, self._limiter) if step is not None]
        yield from _through(steps, frame)


def _through(steps: list[Chain | Limiter], frame: AudioFrame | None) -> Iterator[AudioFrame]:
    if not steps:
        if frame is not None:
            yield frame
        return
    first, rest = steps[0], steps[1:]
    for out in first.push(frame):
        yield from _through(rest, out)
    if frame is None:
        yield from _through(rest, None)
