"""`sarau upload`: send files to a server; an interrupted call goes on where it stopped."""

import sys
import time
from pathlib import Path

import click

from sarau.cli.exits import SOME_NOT_READY
from sarau.cli.names import document, shown
from sarau.model.preset import DEFAULT_PRESET

_WAIT_S = 1.0
_OVER = frozenset({"ready", "rejected", "failed", "cancelled", "expired"})


@click.command("upload")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--server", required=True, help="Address of the server, such as http://localhost:8000."
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
    """Send FILES to a server."""
    from sarau.cli.progress import Progress  # noqa: PLC0415 - heavy
    from sarau.cli.tus_client import TusClient  # noqa: PLC0415 - heavy

    client = TusClient(server, token)
    sent: list[tuple[Path, str]] = []
    with Progress() as progress:
        for path in files:
            progress.expect_one()
            with progress.file(path.name) as report:
                sent.append((path, client.send(path, preset, report)))
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
            print(f"{shown(path.name)}: {track['state']} {said}".rstrip())
    if any(track["state"] in _OVER - {"ready"} for _, track in found):
        sys.exit(SOME_NOT_READY)
