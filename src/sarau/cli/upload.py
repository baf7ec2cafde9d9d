"""`sarau upload`: send files to a server; an interrupted call goes on where it stopped."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sarau.cli.exits import SOME_NOT_READY, language, told_exactly
from sarau.cli.jobs import find_sources
from sarau.cli.names import document, labels, shown
from sarau.cli.nothing import say_nothing_to_do
from sarau.cli.terminal_text import state
from sarau.errors import FailedCode, RefusedCode, RefusedError, SarauError
from sarau.model.preset import DEFAULT_PRESET
from sarau.storage.durable import translated

if TYPE_CHECKING:
    from sarau.cli.progress import Progress
    from sarau.cli.tus_client import TusClient

_WAIT_S = 1.0
_OVER = frozenset({"ready", "rejected", "failed", "cancelled", "expired"})
_FOR_EVERY_FILE = frozenset(
    {
        RefusedCode.UNAUTHORIZED,
        RefusedCode.HOST_NOT_ALLOWED,
        RefusedCode.TUS_VERSION,
        RefusedCode.UNKNOWN_PRESET,
        FailedCode.SERVER_UNREACHABLE,
        FailedCode.DATABASE_UNAVAILABLE,
        FailedCode.VOLUME_MISSING,
        FailedCode.VOLUME_MISMATCH,
    }
)
"""What the next file would meet too: it ends the call."""


def _check_address(_context: click.Context, _parameter: click.Parameter, server: str) -> str:
    from urllib.parse import urlsplit  # noqa: PLC0415 - heavy

    try:
        parts = urlsplit(server)
        is_one = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one:
        raise click.BadParameter(f"{server} is no address, such as http://localhost:8000")
    return server


@click.command("upload")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--server",
    required=True,
    callback=_check_address,
    help="Address of the server, such as http://localhost:8000.",
)
@click.option("--token", envvar="SARAU_TOKEN", help="Access token, when the server has one.")
@click.option(
    "--preset",
    default=DEFAULT_PRESET,
    show_default=True,
    help="One of the presets that the server has.",
)
@click.option("--wait", is_flag=True, help="Wait until every track is ready or refused.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document a line, a file each."
)
def command(
    files: tuple[Path, ...],
    server: str,
    token: str | None,
    preset: str,
    *,
    wait: bool,
    as_json: bool,
) -> None:
    """Send FILES (or directories of them) to a server.

    What `sarau process` made in a directory is no source, and is not sent.

    A server that does not answer is waited for, for a minute. An interrupted call goes on
    where it stopped, and what was sent to the end is not sent again. A file that cannot be
    sent is told, and keeps no other from being sent.
    """
    from sarau.cli.progress import Progress  # noqa: PLC0415 - heavy
    from sarau.cli.tus_client import TusClient  # noqa: PLC0415 - heavy

    paths = list(dict.fromkeys(path for path, _ in find_sources(files)))
    if not paths:
        say_nothing_to_do(files)
    names = labels(paths)
    client = TusClient(server, token)
    click.get_current_context().call_on_close(client.close)
    is_any_bad = False

    def tell(path: Path, found: dict[str, Any]) -> None:
        nonlocal is_any_bad
        is_any_bad |= found["track"] is None or found["state"] in _OVER - {"ready"}
        why = found.pop("message")
        is_sent = found["track"] is not None
        line = f"{names[path]}: {state(found['state'], language(), is_sent=is_sent)}"
        line += f": {shown(why)}" if why else ""
        print(document({"file": str(path), **found}) if as_json else line, flush=True)

    untold: dict[Path, dict[str, Any]] = {}
    try:
        with Progress() as progress:
            for path in paths:
                found = _send(client, path, preset, names[path], progress)
                if wait and found["track"] is not None:
                    untold[path] = found
                else:
                    tell(path, found)
        for path, found in list(untold.items()):
            while untold[path]["state"] not in _OVER:
                time.sleep(_WAIT_S)
                untold[path] = _told(client.track(found["track"]))
            tell(path, untold.pop(path))
    finally:
        # What was sent is told, whatever ends the call.
        for path, found in untold.items():
            tell(path, found)
    if is_any_bad:
        sys.exit(SOME_NOT_READY)


def _send(
    client: "TusClient", path: Path, preset: str, label: str, progress: "Progress"
) -> dict[str, Any]:
    """Send one file, and return what became of it.

    Raises:
        SarauError: What would befall every other file too.

    """
    progress.expect_one()
    try:
        with progress.file(label) as report, translated():
            return _told(client.send(path, preset, report))
    except SarauError as error:
        if error.code in _FOR_EVERY_FILE:
            raise
        return {
            "track": None,
            "state": "refused" if isinstance(error, RefusedError) else "failed",
            "message": told_exactly(error, language()),
            "code": str(error.code),
            "detail": error.detail,
        }
    finally:
        progress.finish_one()


def _told(track: dict[str, Any]) -> dict[str, Any]:
    return {"track": track["id"], "state": track["state"], "message": track["message"] or ""}
