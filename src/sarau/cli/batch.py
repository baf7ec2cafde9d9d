"""Many files through one engine: found, worked on by cores, and each with its result."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from sarau.audio import Analysis, Engine, LoudnessCurve, Rendition
from sarau.audio.hls import unpack
from sarau.cli import receipts
from sarau.cli.progress import Progress, Report
from sarau.errors import SarauError
from sarau.model.filenames import suffixes
from sarau.model.original import AUDIO_SUFFIXES
from sarau.model.preset import Format, Preset

_WAITING_PER_WORKER = 4
"""Files handed to the workers ahead of time: thousands of them need no memory."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Job:
    """A file to process and where its renditions go."""

    path: Path
    out_dir: Path


@dataclass(frozen=True, slots=True)
class Measured:
    """What measuring a file found, or why it could not be measured."""

    path: Path
    analysis: Analysis | None = None
    error: SarauError | None = None


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of a file."""

    path: Path
    analysis: Analysis | None = None
    renditions: tuple[Rendition, ...] = ()
    error: SarauError | None = None
    is_old: bool = False
    """Made by an earlier call, of the same bytes and for the same preset."""

    def without_pictures(self) -> "Processed":
        """Return what a table needs: of thousands of files, all are kept to the end."""
        if self.analysis is None:
            return self
        slim = replace(
            self.analysis,
            waveform=replace(self.analysis.waveform, data=b""),
            loudness_curve=LoudnessCurve(),
            insight=None,
        )
        return replace(self, analysis=slim)


def find_files(given: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    """Give each audio file with its place below the directory that was named."""
    for root in given:
        if not root.is_dir():
            yield root, Path(root.name)
            continue
        for path in sorted(root.rglob("*")):
            if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file():
                yield path, path.relative_to(root)


def plan_jobs(given: Iterable[Path], target: Path) -> Iterator[Job]:
    """Give each file a folder of its own below `target`, in the shape of what was named."""
    taken: set[Path] = set()
    for path, place in find_files(given):
        # Two files may differ only in their suffix: the second one keeps it.
        folder = place.with_suffix("")
        folder = folder if folder not in taken else place
        taken.add(folder)
        yield Job(path, target / folder)


def work_through(
    items: Iterable[Item], work: Callable[[Item], Result], *, workers: int, progress: Progress
) -> Iterator[Result]:
    """Call `work` on each item, `workers` at once, and give results as they come."""
    waiting: set[Future[Result]] = set()
    with ThreadPoolExecutor(workers) as pool:
        for item in items:
            waiting.add(pool.submit(work, item))
            progress.expect_one()
            if len(waiting) >= workers * _WAITING_PER_WORKER:
                done = next(as_completed(waiting))
                waiting.remove(done)
                progress.finish_one()
                yield done.result()
        for done in as_completed(waiting):
            progress.finish_one()
            yield done.result()


def measure(engine: Engine, path: Path, progress: Progress) -> Measured:
    """Decode and measure one file."""
    with progress.file(path.name) as report:
        try:
            return Measured(path, engine.analyse(path, insight=True, on_progress=report))
        except SarauError as error:
            return Measured(path, error=error)


def process(
    engine: Engine, preset: Preset, job: Job, progress: Progress, *, again: bool
) -> Processed:
    """Check, measure and render one file, unless an earlier call did."""
    found = None if again else receipts.find(job.path, job.out_dir, preset)
    if found is not None:
        return Processed(job.path, found.analysis, found.renditions, is_old=True)
    with progress.file(job.path.name) as report:
        try:
            analysis = engine.analyse(
                job.path, insight=True, on_progress=lambda x: report(0.15 * x)
            )
            renditions = _render(engine, preset, job, analysis, report)
        except SarauError as error:
            return Processed(job.path, error=error)
    receipts.write(job.path, job.out_dir, preset, receipts.Receipt(analysis, renditions))
    return Processed(job.path, analysis, renditions)


def _render(
    engine: Engine, preset: Preset, job: Job, analysis: Analysis, report: Report
) -> tuple[Rendition, ...]:
    """Render beside the target and move in what is finished.

    The shares of progress are those of ordinary stereo music.
    """
    job.out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".sarau-", dir=job.out_dir) as name:
        draft = Path(name)
        files = engine.render(
            job.path, analysis, preset, draft, on_progress=lambda x: report(0.15 + 0.65 * x)
        )
        renditions = engine.verify(
            job.path, analysis, preset, files, draft, on_progress=lambda x: report(0.8 + 0.2 * x)
        )
        return move_in(job, renditions)


def move_in(job: Job, renditions: Sequence[Rendition]) -> tuple[Rendition, ...]:
    """Put finished files where they belong, under the name of the track."""
    named = suffixes((one.file.spec.name, one.file.extension) for one in renditions)
    return tuple(map(partial(_move_in, job), renditions, named))


def _unpack_in(folder: Path, rendition: Rendition) -> Rendition:
    """Put an HLS set where it belongs, as the folder that a web server can serve."""
    draft = rendition.file.path.with_suffix("")
    size_bytes = unpack(rendition.file.path, draft)
    if folder.is_dir():
        shutil.rmtree(folder)
    file = replace(rendition.file, path=draft.rename(folder), size_bytes=size_bytes)
    return replace(rendition, file=file)


def _move_in(job: Job, rendition: Rendition, suffix: str) -> Rendition:
    path = job.out_dir / f"{job.path.stem}{suffix}"
    if rendition.file.spec.format is Format.HLS:
        return _unpack_in(path.with_suffix(""), rendition)
    return replace(rendition, file=replace(rendition.file, path=rendition.file.path.replace(path)))
