"""The second pass: one decode, fanned out to all encoders."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from av.audio.frame import AudioFrame

from sarau.audio._analyse import stereo_mixer
from sarau.audio._canonical import Canonical
from sarau.audio._cover import read_covers, remake_cover
from sarau.audio._decode import Source
from sarau.audio._encode import Encoder
from sarau.audio._formats import check_room, output_bits, output_layout
from sarau.audio._frames import Chain
from sarau.audio._lanes import Lanes
from sarau.audio._limiter import Limiter
from sarau.audio._meter import Meter
from sarau.audio._plain import Plain, from_plain, to_plain
from sarau.audio._plan import (
    REHEARSE_FROM_DB,
    UNCHANGED,
    is_foretold,
    limiting_db,
    loudness_before,
    within_ceiling,
)
from sarau.audio._reporter import Reporter
from sarau.audio._tags import write_tags
from sarau.audio._tasks import Part, RenderJob
from sarau.audio._types import GainPlan, Limits, SourceInfo
from sarau.errors import FailedCode, FailedError
from sarau.model.loudness import Loudness
from sarau.model.preset import RenditionSpec

_MAX_REHEARSALS: Final = 2
_SMALL_LOSS_LU: Final = 0.4
"""What can be made good for in one step."""
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
    for part in task.parts:
        check_room(part.spec, task.analysis.source)
    groups = _group(task)
    start = 0.0
    unknown = [group for group in groups if not _is_foretold(task, group)]
    if task.is_gain_fixed:
        unknown = []
    for _ in range(_MAX_REHEARSALS if unknown else 0):
        group = max(unknown, key=lambda group: limiting_db(group.gain, group.before))
        if limiting_db(group.gain, group.before) <= REHEARSE_FROM_DB:
            break
        reporter.part(start, start + _REHEARSAL_SHARE)
        start += _REHEARSAL_SHARE
        lost_lu = _rehearse(task, group, _open(task, inputs[0], limits, reporter), reporter)
        _make_good(task, unknown, group, lost_lu)
        if abs(lost_lu) <= _SMALL_LOSS_LU:
            break
    reporter.part(start, 1.0)
    picture = None
    if task.analysis.source.has_cover:
        picture = _picture(Source(inputs[0], limits, reporter.worked))
    source = _open(task, inputs[0], limits, reporter)
    _encode(task, groups, source, reporter, cores=int(job["cores"]))
    for part in task.parts:
        write_tags(
            Path(part.name), part.spec.format, task.analysis.source, picture, reporter.worked
        )
    return {part.name: to_plain(group.gain) for group in groups for part in group.parts}


def _open(task: RenderJob, fd: int, limits: Limits, reporter: Reporter) -> Source:
    """Open the source to decode it.

    Raises:
        FailedError: `source_damaged`, when it has not the shape that the plans were made for.

    """
    source, told = Source(fd, limits, reporter.worked), task.analysis.source
    found = (source.sample_rate_hz, source.channels, source.layout)
    expected = (told.sample_rate_hz, told.channels, told.channel_layout)
    if found != expected:
        detail = f"{found[0]} Hz, {found[2]}; {expected[0]} Hz, {expected[2]} when it was analysed"
        raise FailedError(FailedCode.SOURCE_DAMAGED, detail)
    return source


def _is_foretold(task: RenderJob, group: Group) -> bool:
    return all(is_foretold(task.analysis, part.spec) for part in group.parts)


def _picture(source: Source) -> bytes | None:
    made = map(remake_cover, read_covers(source.container))
    return next((picture for picture in made if picture is not None), None)


def _group(task: RenderJob) -> list[Group]:
    groups: dict[tuple[GainPlan, str], Group] = {}
    source = task.analysis.source
    for part in task.parts:
        layout = output_layout(part.spec, source)
        before = loudness_before(task.analysis, part.spec)
        group = groups.setdefault((part.gain, layout), Group(part.gain, layout, before))
        group.parts.append(part)
    return list(groups.values())


def _rehearse(task: RenderJob, group: Group, source: Source, reporter: Reporter) -> float:
    """Return how far the limiter would leave a group below the target."""
    meter = Meter(source.sample_rate_hz, group.layout, peaks=False)
    stage = Stage(source, group)
    for frame in _canonical(source, task, reporter):
        for out in stage.push(frame):
            meter.push(out)
    meter.push(None)
    heard = meter.result().integrated_lufs
    if heard is None or task.preset.target_lufs is None:
        return 0.0
    return task.preset.target_lufs - heard


def _make_good(task: RenderJob, groups: list[Group], tried: Group, lost_lu: float) -> None:
    """Raise the gain of all limited groups for what limiting takes, as far as permitted.

    The others lose about in proportion to how hard their limiter works; what is left of
    the difference is small, and measured in the end.
    """
    work_db = limiting_db(tried.gain, tried.before)
    for group in groups:
        ceiling_dbtp = group.gain.limiter_ceiling_dbtp
        if ceiling_dbtp is None:
            continue
        share = max(0.0, limiting_db(group.gain, group.before)) / work_db
        group.gain = within_ceiling(
            group.before,
            task.preset,
            gain_db=group.gain.gain_db + lost_lu * share,
            room_dbtp=ceiling_dbtp,
        )


def _encode(
    task: RenderJob, groups: list[Group], source: Source, reporter: Reporter, *, cores: int
) -> None:
    outputs = [(Stage(source, group), _encoders(task.analysis.source, group)) for group in groups]
    lanes = Lanes([encoder for _, encoders in outputs for encoder in encoders], cores)
    for frame in _canonical(source, task, reporter):
        for stage, encoders in outputs:
            for out in stage.push(frame):
                for encoder in encoders:
                    lanes.push(encoder, out)
    for _, encoders in outputs:
        for encoder in encoders:
            lanes.push(encoder, None)
    lanes.finish()


def _encoders(info: SourceInfo, group: Group) -> list[Encoder]:
    kept = group.gain == UNCHANGED and group.layout == info.channel_layout
    return [
        Encoder(
            part.spec,
            Path(part.name),
            info,
            layout=group.layout,
            exact=kept and _fits(part.spec, info),
        )
        for part in group.parts
    ]


def _fits(spec: RenditionSpec, source: SourceInfo) -> bool:
    """Tell whether a lossless rendition holds the source's samples as they are."""
    return source.lossless and (source.bit_depth or 0) <= output_bits(spec, source)


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
        self._gain = _gain(rate_hz, group)

    def push(self, frame: AudioFrame | None) -> Iterator[AudioFrame]:
        """Take a canonical frame, or the end, and yield what is to be encoded."""
        steps = [step for step in (self._mixer, self._gain) if step is not None]
        yield from _through(steps, frame)


def _gain(rate_hz: int, group: Group) -> Chain | Limiter | None:
    gain_db, ceiling_dbtp = group.gain.gain_db, group.gain.limiter_ceiling_dbtp
    if ceiling_dbtp is not None:
        return Limiter(rate_hz, group.layout, ceiling_dbtp, gain_db=gain_db)
    if not gain_db:
        return None
    volume = ("volume", f"volume={gain_db}dB:precision=float")
    return Chain([volume], rate_hz=rate_hz, sample_format="fltp", layout=group.layout)


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
