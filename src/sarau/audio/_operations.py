"""What is asked of children once a source is analysed, each operation as a function."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path

from sarau.audio._children import Children, read_answer
from sarau.audio._files import file_name, rendered
from sarau.audio._plain import Plain, to_plain
from sarau.audio._progress import Sum
from sarau.audio._tasks import (
    GainJob,
    GainTag,
    Measured,
    OutputGainJob,
    PackageJob,
    RenderJob,
)
from sarau.audio._types import (
    AlbumEvidence,
    Analysis,
    GainPlan,
    LoudnessCurve,
    ProgressCallback,
    RenderedFile,
)
from sarau.errors import FailedCode, FailedError
from sarau.model.loudness import Loudness
from sarau.model.preset import Format


def render(
    children: Children,
    source: Path,
    task: RenderJob,
    out_dir: Path,
    on_progress: ProgressCallback,
) -> tuple[RenderedFile, ...]:
    """Encode the parts of `task` in one decode."""
    slim = replace(task, analysis=_without_pictures(task.analysis))
    details: dict[str, Plain] = {"task": to_plain(slim), "cores": children.free_cores()}
    result = children.run("render", [source], out_dir, details, on_progress)
    plans = read_answer(dict[str, GainPlan], result)
    if plans.keys() != {part.name for part in task.parts}:
        raise FailedError(FailedCode.ENGINE_CRASHED, "a child talks of other files")
    return tuple(
        rendered(part.spec, out_dir / part.name, task.analysis, plans[part.name])
        for part in task.parts
    )


def _without_pictures(analysis: Analysis) -> Analysis:
    """Return what rendering needs to know of a source."""
    return replace(
        analysis,
        waveform=replace(analysis.waveform, data=b""),
        loudness_curve=LoudnessCurve(),
        insight=None,
        tenths=b"",
        stereo_tenths=b"",
    )


def measure(
    children: Children,
    files: Sequence[RenderedFile],
    on_progress: ProgressCallback,
    *,
    tenths: bool,
) -> list[Measured]:
    """Measure the files in as many children as there are cores to use, at most one for each.

    Threads of one child would wait for Python's lock at every small packet.
    """
    count = min(len(files), children.free_cores())
    watch = Sum(count, on_progress)
    asked: dict[str, Plain] = {"tenths": tenths}

    def share(index: int) -> list[Measured]:
        paths = [file.path for file in files[index::count]]
        result = children.run("measure", paths, None, asked, watch.part(index))
        measured = read_answer(list[Measured], result)
        if len(measured) != len(paths):
            raise FailedError(FailedCode.ENGINE_CRASHED, "a child talks of other files")
        return measured

    # Whose run it is stays known in the threads, for what is told of their children.
    contexts = [copy_context() for _ in range(count)]
    with ThreadPoolExecutor(max(1, count)) as pool:
        shares = list(pool.map(lambda index: contexts[index].run(share, index), range(count)))
    return [shares[index % count][index // count] for index in range(len(files))]


def turn_down(
    children: Children, file: RenderedFile, analysis: Analysis, plan: GainPlan, out_dir: Path
) -> RenderedFile:
    """Copy a file with the output gain of `plan` in its header."""
    name = file_name(file.spec, "turned_down")
    task = to_plain(OutputGainJob(name, plan.output_gain_db))
    children.run("turn_down", [file.path], out_dir, {"task": task})
    return rendered(file.spec, out_dir / name, analysis, plan)


def package(children: Children, task: PackageJob, files: Sequence[Path], out_dir: Path) -> None:
    """Make an HLS set of the packets of finished AAC files."""
    children.run("package", files, out_dir, {"task": to_plain(task)})


def tag(
    children: Children, told: Iterable[tuple[RenderedFile, Loudness, AlbumEvidence | None]]
) -> None:
    """Write into each file how loud it is; a child writes to one directory only."""
    rooms: dict[Path, list[GainTag]] = {}
    for file, loudness, album in told:
        if file.spec.format is Format.HLS:
            continue
        gain = GainTag(file.path.name, file.spec.format, loudness, album)
        rooms.setdefault(file.path.parent, []).append(gain)
    for directory, tags in rooms.items():
        children.run("tag", [], directory, {"task": to_plain(GainJob(tuple(tags)))})
