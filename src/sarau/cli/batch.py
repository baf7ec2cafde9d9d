"""Many files through one engine: worked on by cores, and each with its result."""

import shutil
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from sarau.audio import Analysis, Engine, Rendition, SourceInfo
from sarau.audio.hls import unpack
from sarau.cli import drafts, receipts
from sarau.cli.jobs import Job
from sarau.cli.progress import Progress, Report
from sarau.errors import SarauError
from sarau.model.filenames import fitting_name, suffixes
from sarau.model.loudness import Loudness
from sarau.model.preset import Format, Preset
from sarau.storage.durable import translated

_WAITING_PER_WORKER = 4
"""Files handed to the workers ahead of time: thousands of them need no memory."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Summary:
    """What a table tells of a file: of thousands of files, all are kept to the end."""

    path: Path
    source: SourceInfo | None
    loudness: Loudness | None
    warnings: tuple[str, ...]
    renditions: tuple[Rendition, ...]
    error: SarauError | None
    is_old: bool


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of a file; one that was only measured has no renditions."""

    path: Path
    analysis: Analysis | None = None
    renditions: tuple[Rendition, ...] = ()
    error: SarauError | None = None
    is_old: bool = False
    """Made by an earlier call, of the same bytes and for the same preset."""

    def summary(self) -> Summary:
        """Return what a table needs."""
        found = self.analysis
        return Summary(
            self.path,
            source=found.source if found else None,
            loudness=found.loudness if found else None,
            warnings=found.warnings if found else (),
            renditions=self.renditions,
            error=self.error,
            is_old=self.is_old,
        )


@contextmanager
def crew(workers: int, engine: Engine) -> Iterator[ThreadPoolExecutor]:
    """Give threads that work with `engine`.

    When the block ends early, nothing more is begun, and what is at work is killed with
    the engine.
    """
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        engine.close()
        raise
    finally:
        pool.shutdown()


def work_through(
    items: Iterable[Item],
    work: Callable[[Item], Result],
    *,
    engine: Engine,
    workers: int,
    progress: Progress,
) -> Generator[Result]:
    """Call `work` on each item, `workers` at once, and give results as they come."""
    waiting: set[Future[Result]] = set()
    with crew(workers, engine) as pool:
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


def measure(engine: Engine, path: Path, progress: Progress, *, insight: bool) -> Processed:
    """Decode and measure one file; with `insight`, write its quality report too."""
    with progress.file(path.name) as report:
        try:
            return Processed(path, engine.analyse(path, insight=insight, on_progress=report))
        except SarauError as error:
            return Processed(path, error=error)


def process(
    engine: Engine, preset: Preset, job: Job, progress: Progress, *, again: bool
) -> Processed:
    """Check, measure and render one file, unless an earlier call did."""
    try:
        with translated():
            source = receipts.Source.of(job.path)
            found = None if again else receipts.find(source, job.out_dir, preset)
            if found is not None:
                return Processed(job.path, found.analysis, found.renditions, is_old=True)
            with progress.file(job.path.name) as report:
                analysis = engine.analyse(
                    job.path, insight=True, on_progress=lambda x: report(0.15 * x)
                )
                renditions = _render(engine, preset, source, job, analysis, report)
            receipt = receipts.Receipt(analysis, renditions)
            receipts.write(source, job.out_dir, preset, receipt)
    except SarauError as error:
        return Processed(job.path, error=error)
    return Processed(job.path, analysis, renditions)


def _render(
    engine: Engine,
    preset: Preset,
    source: receipts.Source,
    job: Job,
    analysis: Analysis,
    report: Report,
) -> tuple[Rendition, ...]:
    """Render beside the target and move in what is finished.

    The shares of progress are those of ordinary stereo music.
    """
    with drafts.rooms() as rooms:
        draft = rooms.folder_for(job.out_dir)
        files = engine.render(
            job.path, analysis, preset, draft, on_progress=lambda x: report(0.15 + 0.65 * x)
        )
        renditions = engine.verify(
            job.path, analysis, preset, files, draft, on_progress=lambda x: report(0.8 + 0.2 * x)
        )
        source.check_unchanged()
        return move_in(source, job, renditions)


def move_in(
    source: receipts.Source, job: Job, renditions: Sequence[Rendition]
) -> tuple[Rendition, ...]:
    """Put finished files where they belong, under the name of the track."""
    named = suffixes((one.file.spec.name, one.file.extension) for one in renditions)
    paths = [
        _path_of(one, job.out_dir / fitting_name(job.path, suffix))
        for one, suffix in zip(renditions, named, strict=True)
    ]
    planned = {path.name: one.file.size_bytes for path, one in zip(paths, renditions, strict=True)}
    receipts.claim(source, job.out_dir, planned)
    return tuple(map(_move_in, paths, renditions))


def _path_of(rendition: Rendition, path: Path) -> Path:
    """Return where a rendition goes: an HLS set is unpacked there."""
    return path.with_suffix("") if rendition.file.spec.format is Format.HLS else path


def _unpack_in(folder: Path, rendition: Rendition) -> Rendition:
    """Put an HLS set where it belongs, as the folder that a web server can serve."""
    draft = rendition.file.path.with_suffix("")
    size_bytes = unpack(rendition.file.path, draft)
    if folder.is_dir():
        shutil.rmtree(folder)
    file = replace(rendition.file, path=draft.rename(folder), size_bytes=size_bytes)
    return replace(rendition, file=file)


def _move_in(path: Path, rendition: Rendition) -> Rendition:
    if rendition.file.spec.format is Format.HLS:
        return _unpack_in(path, rendition)
    return replace(rendition, file=replace(rendition.file, path=rendition.file.path.replace(path)))
