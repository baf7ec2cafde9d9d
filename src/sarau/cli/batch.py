"""Many files through one engine: worked on by cores, and each with its result."""

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sarau.audio import Analysis, Engine, Rendition, SourceInfo
from sarau.cli import drafts, places, receipts
from sarau.cli.jobs import Job
from sarau.cli.progress import Progress, Report
from sarau.errors import SarauError
from sarau.model.loudness import Loudness
from sarau.model.preset import Preset
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
            places.check(job, preset)
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
        return places.move_in(source, job, renditions)
