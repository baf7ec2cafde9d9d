"""`sarau workers`: who is at work on what, on all machines."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from sarau import settings
from sarau.catalog import Database
from sarau.pipeline.overview import Overview, overview


@click.command("workers")
@click.option("--data", type=click.Path(path_type=Path), help="Directory of the database.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="A TOML file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def command(data: Path | None, config: Path | None, *, as_json: bool) -> None:
    """List the workers, and how many runs wait and are at work."""
    database = Database.of(settings.load(config=config, data=data))
    found = overview(database)
    database.close()
    if as_json:
        print(json.dumps(asdict(found), default=str))
    else:
        _show(found)


def _show(found: Overview) -> None:
    print(f"{found.interactive} waiting, {found.bulk} waiting in bulk, {found.running} at work")
    for one in found.workers:
        state = "draining" if one.worker.is_draining else "working"
        print(
            f"{one.worker.host}:{one.worker.pid}  {state}  {one.at_work} of"
            f" {one.worker.concurrency}  {one.worker.cores} cores  {one.worker.version}"
            f"  seen {one.silent_s:.0f} s ago"
        )
