"""`sarau measure`: loudness, and nothing is written."""

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sarau.cli.engines import started
from sarau.cli.exits import SOME_NOT_READY
from sarau.cli.names import document

if TYPE_CHECKING:
    from sarau.cli.batch import Processed


@click.command("measure", short_help="Measure the loudness of files by EBU R 128.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document a line, a file each."
)
@click.option(
    "--jobs", type=click.IntRange(1), help="Files at once; the number of cores by default."
)
def command(files: tuple[Path, ...], jobs: int | None, *, as_json: bool) -> None:
    """Measure the loudness of FILES (or directories of them) by EBU R 128."""
    results = []
    with started(jobs) as (engine, workers):
        from sarau.cli import batch  # noqa: PLC0415 - heavy
        from sarau.cli.jobs import find_sources  # noqa: PLC0415 - heavy
        from sarau.cli.progress import Progress  # noqa: PLC0415 - heavy

        with Progress() as progress:
            work = batch.work_through(
                (path for path, _ in find_sources(files)),
                lambda path: batch.measure(engine, path, progress, insight=as_json),
                engine=engine,
                workers=workers,
                progress=progress,
            )
            # Closed at once when this block ends early, and with it what is at work.
            with contextlib.closing(work) as done:
                for result in done:
                    if as_json:
                        print(document(_plain(result)), flush=True)
                    results.append(result.summary())
    if not results:
        from sarau.cli.nothing import say_nothing_to_do  # noqa: PLC0415 - heavy

        say_nothing_to_do(files)
    if not as_json:
        from sarau.cli import tables  # noqa: PLC0415 - heavy

        tables.print_measured(sorted(results, key=lambda result: result.path))
    if any(result.error for result in results):
        sys.exit(SOME_NOT_READY)


def _plain(result: "Processed") -> dict[str, Any]:
    from sarau.cli.records import analysis_record, error_record  # noqa: PLC0415 - heavy

    if result.error is not None or result.analysis is None:
        return {"file": str(result.path), **error_record(result.error)}
    return {"file": str(result.path), **analysis_record(result.analysis)}
