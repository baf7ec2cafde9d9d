"""`sarau import`: whole folders into an installation on this machine, without its server."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sarau import settings
from sarau.cli.exits import SOME_NOT_READY, language, told_exactly
from sarau.cli.names import document, shown
from sarau.cli.terminal_text import said
from sarau.errors import FailedCode, FailedError
from sarau.model.ids import LOCAL_USER_ID
from sarau.model.original import After

if TYPE_CHECKING:
    from sarau.app import App
    from sarau.cli.progress import Progress
    from sarau.intake.folder import Original
    from sarau.intake.sweep import Result, Sweep

_STABLE_S = 2.0
_LOOKS = 4
"""A file that is still being written after this many looks is left to the next call."""
_WAIT_S = 1.0


@click.command("import")
@click.argument(
    "folders",
    metavar="DIR...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@click.option("--data", type=click.Path(path_type=Path), help="Directory of D, E and the database.")
@click.option(
    "--after",
    type=click.Choice([str(one) for one in After]),
    default=str(After.KEEP),
    show_default=True,
    help="What becomes of a file once its track is ready.",
)
@click.option(
    "--preset",
    help="Of all files; by default a first folder named like a preset chooses it.",
)
@click.option(
    "--wait",
    is_flag=True,
    help="Stay until a running server has made the tracks and the originals are dealt with.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document a line, a file each."
)
def command(
    folders: tuple[Path, ...],
    data: Path | None,
    after: str,
    preset: str | None,
    *,
    wait: bool,
    as_json: bool,
) -> None:
    """Take in every audio file below DIR, each once.

    Works beside a running server, which does the rest; without one, the tracks wait for
    the next start. Called again, it goes on where it was interrupted, and moves or
    deletes the originals whose tracks have become ready.
    """
    from sarau.app import open_app  # noqa: PLC0415 - heavy
    from sarau.catalog import presets  # noqa: PLC0415 - heavy
    from sarau.cli.progress import Progress  # noqa: PLC0415 - heavy

    found: dict[str, Result] = {}
    with open_app(settings.load(data=data), work=False) as app, Progress() as progress:
        if preset is not None:
            presets.require(app.database, LOCAL_USER_ID, preset)
        for folder in folders:
            sweep = _sweep(app, folder, After(after), preset, progress)
            for result in _look(sweep, wait=wait):
                path = f"{folder}/{result.path}"
                found[path] = _join(found.get(path), result)
    if as_json:
        for path, result in sorted(found.items()):
            print(document(_plain(path, result)))
    else:
        _print_summary(found)
    if any(_is_trouble(result) for result in found.values()):
        sys.exit(SOME_NOT_READY)


def _sweep(
    app: "App", folder: Path, after: After, preset: str | None, progress: "Progress"
) -> "Sweep":
    from sarau.intake.folder import Folder  # noqa: PLC0415 - heavy
    from sarau.intake.importing import Importer  # noqa: PLC0415 - heavy
    from sarau.intake.stable import Stability  # noqa: PLC0415 - heavy
    from sarau.intake.sweep import Sweep  # noqa: PLC0415 - heavy
    from sarau.intake.watch import check_place  # noqa: PLC0415 - heavy

    check_place(folder, *app.volumes)

    @contextmanager
    def show(original: "Original") -> Iterator[Callable[[int], None]]:
        progress.expect_one()
        size_bytes = original.identity.size_bytes or 1
        with progress.file(original.name) as report:
            yield lambda done_bytes: report(done_bytes / size_bytes)
        progress.finish_one()

    return Sweep(
        Importer(app.database, app.intake, owner_id=LOCAL_USER_ID),
        Folder(folder),
        after=after,
        stability=Stability(_STABLE_S, looks=1),
        preset=preset,
        show=show,
    )


def _look(sweep: "Sweep", *, wait: bool) -> Iterator["Result"]:
    """Look until nothing is being written any more, and with `wait` until all is settled."""
    from sarau.intake.settling import Settled  # noqa: PLC0415 - heavy
    from sarau.intake.sweep import Kind  # noqa: PLC0415 - heavy

    looks = 0
    while True:
        looks += 1
        results = []
        for result in sweep.run():
            results.append(result)
            yield result
        is_pending = any(one.settled is Settled.PENDING for one in results)
        is_waiting = any(one.kind is Kind.WAITING for one in results)
        if not (wait and is_pending) and not (is_waiting and looks < _LOOKS):
            return
        time.sleep(_WAIT_S)


def _join(before: "Result | None", result: "Result") -> "Result":
    """Return what this call found of a file: what it received, later looks find to be here."""
    is_later = before is not None and before.kind == "received" and result.kind == "here"
    return replace(result, kind=before.kind) if before is not None and is_later else result


def _is_trouble(result: "Result") -> bool:
    return result.kind in {"refused", "unreadable", "waiting"} or result.detail is not None


def _plain(path: str, result: "Result") -> dict[str, Any]:
    why = {
        "code": str(result.error.code) if result.error else None,
        "detail": result.error.detail if result.error else result.detail,
    }
    return {
        "file": path,
        "state": str(result.kind),
        "track": result.track_id,
        "original": str(result.settled),
        **{name: value for name, value in why.items() if value},
    }


def _print_summary(found: dict[str, "Result"]) -> None:
    speaks = language()
    for path, result in sorted(found.items()):
        if _is_trouble(result):
            print(f"{shown(path)}: {_told(result, speaks)}")
    kinds = Counter(str(result.kind) for result in found.values())
    settled = Counter(str(result.settled) for result in found.values())
    counts = sorted(kinds.items()) + [(kind, settled[kind]) for kind in ("moved", "deleted")]
    parts = [said(f"import.{kind}", speaks, count=count) for kind, count in counts if count]
    print(", ".join(parts) or said("import.nothing", speaks))
    if settled["pending"]:
        print(said("import.pending", speaks, count=settled["pending"]))


def _told(result: "Result", speaks: str) -> str:
    """Return what became of an original that somebody has to look after, and why."""
    kind = said(f"import.is_{result.kind}", speaks)
    if result.kind == "waiting":
        return f"{kind} ({shown(result.detail or '')})"
    error = result.error or FailedError(FailedCode.DISK_ERROR, result.detail or "")
    return f"{kind}: {told_exactly(error, speaks)}"
