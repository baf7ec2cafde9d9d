"""`sarau process`: the engine without a server."""

import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sarau import settings
from sarau.cli.exits import SOME_NOT_READY, language
from sarau.errors import SarauError
from sarau.model.messages import message
from sarau.model.preset import DEFAULT_PRESET, PRESETS, Preset, find_preset

if TYPE_CHECKING:
    from sarau.audio import Analysis, Engine, Rendition
    from sarau.cli.progress import Progress

_LOSSLESS = "aif aifc aiff ape caf flac tta w64 wav wave wv"
_LOSSY = "aac m4a m4b mka mp2 mp3 oga ogg opus webm wma"
_AUDIO_SUFFIXES = frozenset(f".{name}" for name in f"{_LOSSLESS} {_LOSSY}".split())
"""What is picked up inside a directory; a file that is named itself is tried whatever its name."""


_PIPE_COLUMNS = 160


@dataclass(frozen=True, slots=True)
class Job:
    """A file to process and where its renditions go."""

    path: Path
    out_dir: Path


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a file."""

    path: Path
    analysis: "Analysis | None" = None
    renditions: "tuple[Rendition, ...]" = field(default=())
    error: SarauError | None = None


@click.command("process")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for the renditions, one folder a track.",
)
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    default=DEFAULT_PRESET,
    show_default=True,
    help="Loudness target and formats.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document a line, a file each."
)
@click.option(
    "--jobs", type=click.IntRange(1), help="Files at once; the number of cores by default."
)
def command(
    files: tuple[Path, ...], target: Path, preset: str, jobs: int | None, *, as_json: bool
) -> None:
    """Check, measure and render FILES (or directories of them) without a server."""
    from sarau.audio import Engine, SandboxMode  # noqa: PLC0415 - heavy
    from sarau.cli.progress import Progress  # noqa: PLC0415 - heavy

    found = settings.load(workers=jobs)
    work = list(_jobs(files, target))
    with Engine(sandbox=SandboxMode(found.sandbox)) as engine, Progress() as progress:
        results = list(_run(engine, find_preset(preset), work, found.worker_count, progress))
    results.sort(key=lambda result: result.path)
    if as_json:
        for result in results:
            print(json.dumps(_plain(result)))
    else:
        _print_table(results)
    if any(result.error or any(_failed(one) for one in result.renditions) for result in results):
        sys.exit(SOME_NOT_READY)


def _jobs(files: Iterable[Path], target: Path) -> Iterator[Job]:
    """Give each file a folder of its own below `target`, in the shape of the given directories."""
    taken: set[Path] = set()
    for given in files:
        if given.is_dir():
            inside = (path for path in sorted(given.rglob("*")) if path.is_file())
            paths = [path for path in inside if path.suffix.lower() in _AUDIO_SUFFIXES]
            places = [path.relative_to(given).with_suffix("") for path in paths]
        else:
            paths, places = [given], [Path(given.stem)]
        for path, place in zip(paths, places, strict=True):
            # Two files may differ only in their suffix: the second one keeps it.
            free = place if place not in taken else place.with_name(path.name)
            taken.add(free)
            yield Job(path, target / free)


def _run(
    engine: "Engine", preset: Preset, work: list[Job], workers: int, progress: "Progress"
) -> Iterator[Result]:
    with ThreadPoolExecutor(workers) as pool:
        futures: list[Future[Result]] = [
            pool.submit(_process, engine, preset, job, progress) for job in work
        ]
        progress.expect(len(futures))
        for future in as_completed(futures):
            progress.finish_one()
            yield future.result()


def _process(engine: "Engine", preset: Preset, job: Job, progress: "Progress") -> Result:
    """Process one file; the shares of progress are measured on ordinary stereo music."""
    with progress.file(job.path.name) as report:
        try:
            analysis = engine.analyse(job.path, on_progress=lambda x: report(0.15 * x))
            job.out_dir.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".sarau-", dir=job.out_dir) as draft:
                files = engine.render(
                    job.path,
                    analysis,
                    preset,
                    Path(draft),
                    on_progress=lambda x: report(0.15 + 0.65 * x),
                )
                renditions = engine.verify(
                    job.path,
                    analysis,
                    preset,
                    files,
                    Path(draft),
                    on_progress=lambda x: report(0.8 + 0.2 * x),
                )
                renditions = _move_in(job, renditions)
        except SarauError as error:
            return Result(job.path, error=error)
        return Result(job.path, analysis, renditions)


def _move_in(job: Job, renditions: "tuple[Rendition, ...]") -> "tuple[Rendition, ...]":
    """Put finished files where they belong, under the name of the track."""
    from dataclasses import replace  # noqa: PLC0415 - with its only use

    named = []
    for one in renditions:
        path = job.out_dir / f"{job.path.stem}.{one.file.extension}"
        named.append(replace(one, file=replace(one.file, path=one.file.path.replace(path))))
    return tuple(named)


def _failed(rendition: "Rendition") -> bool:
    return str(rendition.evidence.verdict) == "failed"


def _plain(result: Result) -> dict[str, Any]:
    from sarau.audio import to_plain  # noqa: PLC0415 - heavy

    if result.error is not None or result.analysis is None:
        code = str(result.error.code) if result.error else None
        detail = result.error.detail if result.error else None
        return {"file": str(result.path), "state": "rejected", "code": code, "detail": detail}
    analysis = to_plain(result.analysis)
    del analysis["waveform"]
    return {
        "file": str(result.path),
        "state": "ready",
        **analysis,
        "renditions": [to_plain(one) for one in result.renditions],
    }


def _print_table(results: list[Result]) -> None:
    from rich import box  # noqa: PLC0415 - heavy
    from rich.console import Console  # noqa: PLC0415 - heavy
    from rich.table import Table  # noqa: PLC0415 - heavy

    table = Table(box=box.SIMPLE_HEAD)
    for name in ("track", "LUFS", "dBTP", "rendition", "gain dB", "LUFS", "dBTP", "verdict"):
        is_figure = name in {"LUFS", "dBTP", "gain dB"}
        table.add_column(name, justify="right" if is_figure else "left", no_wrap=name != "verdict")
    for result in results:
        if result.error is not None or result.analysis is None:
            said = message(result.error.code, language()) if result.error else ""
            table.add_row(result.path.name, "", "", "", "", "", "", f"[red]{said}[/red]")
            continue
        before = result.analysis.loudness
        first = (result.path.name, _db(before.integrated_lufs), _db(before.true_peak_dbtp))
        for one in result.renditions:
            after = one.evidence
            colour = "red" if _failed(one) else "green" if after.verdict == "passed" else "yellow"
            table.add_row(
                *first,
                one.file.spec.name,
                f"{after.gain_db:+.2f}",
                _db(after.loudness.integrated_lufs),
                _db(after.loudness.true_peak_dbtp),
                f"[{colour}]{after.verdict}[/{colour}]",
            )
            first = ("", "", "")
        table.add_section()
    # A pipe has no width: what reads it gets whole names.
    Console(width=None if sys.stdout.isatty() else _PIPE_COLUMNS).print(table)


def _db(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
