"""`sarau process`: the engine without a server."""

import contextlib
import os
import sys
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sarau.cli.engines import started
from sarau.cli.exits import SOME_NOT_READY
from sarau.cli.names import document
from sarau.cli.presets import PresetType
from sarau.cli.signals import ended_by_signals
from sarau.errors import RejectedError
from sarau.model.preset import DEFAULT_PRESET, Preset

if TYPE_CHECKING:
    from sarau.audio import Engine
    from sarau.cli.batch import Processed, Summary
    from sarau.cli.jobs import Job
    from sarau.cli.likeness import Alike
    from sarau.cli.report import Report


@click.command("process", short_help="Check, measure and render files without a server.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for the renditions, one folder a track; what is in it is no source.",
)
@click.option(
    "--preset",
    type=PresetType(),
    default=DEFAULT_PRESET,
    show_default=True,
    help="Loudness target and formats: one of the built-in ones, or a TOML file.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document a line, a file each."
)
@click.option(
    "--jobs", type=click.IntRange(1), help="Files at once; the number of cores by default."
)
@click.option(
    "--report",
    "report_to",
    type=click.Path(path_type=Path),
    help="Write an HTML report with pictures: a file, or a directory for report.html.",
)
@click.option(
    "--album",
    is_flag=True,
    help="One gain for all files of a folder, by their loudness together; album tags.",
)
@click.option("--again", is_flag=True, help="Also make what an earlier call has made already.")
def command(
    files: tuple[Path, ...],
    target: Path,
    preset: Preset,
    jobs: int | None,
    *,
    as_json: bool,
    report_to: Path | None,
    album: bool,
    again: bool,
) -> None:
    """Check, measure and render FILES (or directories of them) without a server.

    Called again after an interruption, it goes on with what is missing. With --album the
    tracks of each folder keep their levels among each other. What others put in the place of
    a rendition, or changed since it was made, is not overwritten: its track is not made.
    """
    _check_target(target)
    results, alike = [], {}
    with contextlib.ExitStack() as stack:
        stack.enter_context(ended_by_signals())
        engine, workers = stack.enter_context(started(jobs))
        from sarau.cli.jobs import plan_jobs  # noqa: PLC0415 - heavy
        from sarau.cli.likeness import Recordings  # noqa: PLC0415 - heavy

        recordings = Recordings()
        report = _open_report(stack, report_to, preset) if report_to is not None else None
        work = _album_results if album else _results
        # Closed at once when this block ends early, and with it what is at work.
        done = contextlib.closing(
            work(engine, workers, plan_jobs(files, target), preset, again=again)
        )
        for result in stack.enter_context(done):
            insight = result.analysis.insight if result.analysis else None
            found = recordings.add(result.path, insight.fingerprint if insight else None)
            if as_json:
                print(document(_plain(result, found)), flush=True)
            if report is not None:
                report.add(result, found)
            if found:
                alike[result.path] = found
            results.append(result.summary())
    if not results:
        from sarau.cli.nothing import say_nothing_to_do  # noqa: PLC0415 - heavy

        say_nothing_to_do(files, target)
    if not as_json:
        from sarau.cli import tables  # noqa: PLC0415 - heavy

        tables.print_processed(sorted(results, key=lambda result: result.path))
        tables.print_alike(alike, [result.path for result in results])
        if report is not None:
            tables.print_report_path(report.path)
    if any(result.error or _missed(result) for result in results):
        sys.exit(SOME_NOT_READY)


def _check_target(target: Path) -> None:
    """Make the directory for the renditions before anything is decoded for it."""
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.BadParameter(str(error), param_hint="--to") from error
    if not os.access(target, os.W_OK | os.X_OK):
        raise click.BadParameter(f"nothing can be written to {target}", param_hint="--to")


def _open_report(stack: contextlib.ExitStack, given: Path, preset: Preset) -> "Report":
    from sarau.cli.exits import language  # noqa: PLC0415 - heavy
    from sarau.cli.report import Report, report_path  # noqa: PLC0415 - heavy

    try:
        return stack.enter_context(Report(report_path(given), language(), preset))
    except OSError as error:
        raise click.BadParameter(str(error), param_hint="--report") from error


def _results(
    engine: "Engine", workers: int, jobs: "Iterable[Job]", preset: Preset, *, again: bool
) -> Generator["Processed"]:
    from sarau.cli import batch  # noqa: PLC0415 - heavy
    from sarau.cli.progress import Progress  # noqa: PLC0415 - heavy

    with Progress() as progress:
        yield from batch.work_through(
            jobs,
            lambda job: batch.process(engine, preset, job, progress, again=again),
            engine=engine,
            workers=workers,
            progress=progress,
        )


def _album_results(
    engine: "Engine", workers: int, jobs: "Iterable[Job]", preset: Preset, *, again: bool
) -> Generator["Processed"]:
    from sarau.cli import albums  # noqa: PLC0415 - heavy
    from sarau.cli.progress import Progress  # noqa: PLC0415 - heavy

    with Progress() as progress:
        desk = albums.Desk(engine, preset, progress, workers)
        for together in albums.group(jobs):
            yield from desk.process(together, again=again)


def _missed(result: "Summary") -> bool:
    return any(str(one.evidence.verdict) == "failed" for one in result.renditions)


def _plain(result: "Processed", alike: "list[Alike]") -> dict[str, Any]:
    from sarau.audio import to_plain  # noqa: PLC0415 - heavy
    from sarau.cli.records import (  # noqa: PLC0415 - heavy
        analysis_record,
        error_record,
        rendition_record,
    )

    if result.error is not None or result.analysis is None:
        state = "rejected" if isinstance(result.error, RejectedError) else "failed"
        return {"file": str(result.path), "state": state, **error_record(result.error)}
    return {
        "file": str(result.path),
        "state": "ready",
        "made_before": result.is_old,
        **analysis_record(result.analysis),
        "sounds_like": [{"file": str(one.path), **to_plain(one.likeness)} for one in alike],
        "renditions": [rendition_record(one) for one in result.renditions],
    }
