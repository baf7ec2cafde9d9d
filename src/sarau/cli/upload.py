"""`sarau upload`: send files to a server; an interrupted call goes on where it stopped."""

import sys
import time
from pathlib import Path

import click

from sarau.cli.exits import SOME_NOT_READY
from sarau.cli.jobs import find_files
from sarau.cli.names import document, labels, say_nothing_to_do
from sarau.model.preset import DEFAULT_PRESET

_WAIT_S = 1.0
_OVER = frozenset({"ready", "rejected", "failed", "cancelled", "expired"})


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

    A server that does not answer is waited for, for a minute. An interrupted call goes on
    where it stopped.
    """
    from sarau.cli.progress import Progress  # noqa: PLC0415 - heavy
    from sarau.cli.tus_client import TusClient  # noqa: PLC0415 - heavy

    paths = list(dict.fromkeys(path for path, _ in find_files(files)))
    if not paths:
        say_nothing_to_do(files)
    names = labels(paths)
    client = TusClient(server, token)
    sent: list[tuple[Path, str]] = []
    with Progress() as progress:
        for path in paths:
            progress.expect_one()
            with progress.file(names[path]) as report:
                try:
                    sent.append((path, client.send(path, preset, report)))
                except OSError as error:
                    raise click.FileError(names[path], error.strerror) from error
            progress.finish_one()
    found = [(path, client.track(track_id)) for path, track_id in sent]
    while wait and any(track["state"] not in _OVER for _, track in found):
        time.sleep(_WAIT_S)
        found = [(path, client.track(track_id)) for path, track_id in sent]
    for path, track in found:
        if as_json:
            line = {"file": str(path), "track": track["id"], "state": track["state"]}
            print(document(line))
        else:
            said = track["message"] or ""
            print(f"{names[path]}: {track['state']} {said}".rstrip())
    if any(track["state"] in _OVER - {"ready"} for _, track in found):
        sys.exit(SOME_NOT_READY)
