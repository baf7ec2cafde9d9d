"""`sarau doctor`: what is installed, what is locked, what is mounted."""

import json
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from sarau import settings
from sarau.cli.exits import FAILED


@click.command("doctor")
@click.option("--data", type=click.Path(path_type=Path), help="Directory of D, E and the database.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(data: Path | None, *, as_json: bool) -> None:
    """Say what is wrong with the engine, the volumes and the database."""
    report = _examine(settings.load(data=data))
    if as_json:
        print(json.dumps(report, indent=2, default=str))
    else:
        _print(report)
    if not report["ok"]:
        sys.exit(FAILED)


def _examine(found: settings.Settings) -> dict[str, Any]:
    from sarau.app import look_at_places  # noqa: PLC0415 - heavy
    from sarau.audio import Engine, SandboxLevel, SandboxMode  # noqa: PLC0415 - heavy
    from sarau.catalog.database import sqlite_journal_mode  # noqa: PLC0415 - heavy

    with Engine(sandbox=SandboxMode.BEST_EFFORT) as engine:
        engine_report = engine.describe()
    extras = _extras(found)
    locked = engine_report.sandbox_level is SandboxLevel.FULL
    volumes = look_at_places(found)
    database = {"kind": found.database.partition(":")[0]} | volumes.pop("database")
    if database["kind"] == "sqlite":
        database["journal_mode"] = sqlite_journal_mode()
    return {
        "ok": (locked or found.sandbox != "required")
        and all(part["ok"] for part in [*volumes.values(), *extras.values(), database]),
        "engine": asdict(engine_report),
        "volumes": volumes,
        "database": database,
        "extras": extras,
    }


def _extras(found: settings.Settings) -> dict[str, dict[str, Any]]:
    """Look at what an installation may have: a scanner, a watched folder."""
    from sarau.errors import FailedError  # noqa: PLC0415 - with its only use
    from sarau.intake.clamd import Clamd  # noqa: PLC0415 - with its only use

    extras: dict[str, dict[str, Any]] = {}
    if found.watch is not None:
        is_made = found.watch.absolute().is_relative_to(found.intake_dir.absolute())
        extras["watch"] = {"ok": is_made or found.watch.is_dir(), "path": str(found.watch)}
    extras["clamd"] = {"ok": True, "used": False}
    if found.clamd is not None:
        try:
            version = Clamd(found.clamd, max_bytes=found.clamd_max_bytes).version()
            extras["clamd"] = {"ok": True, "version": version}
        except FailedError as error:
            extras["clamd"] = {"ok": False, "code": error.code, "detail": error.detail}
    for name in ("landing_results", "landing_dead"):
        url = getattr(found, name)
        if url is not None:
            extras[name] = _queue(url, found.s3_region)
    return extras


def _queue(url: str, region: str | None) -> dict[str, Any]:
    """Look whether a queue of the function answers, and how much waits in it."""
    from sarau.errors import FailedError  # noqa: PLC0415 - with its only use
    from sarau.landing import connect_queue  # noqa: PLC0415 - as above

    try:
        with closing(connect_queue(url, region=region)) as queue:
            return {"ok": True, "url": url, "waiting": queue.waiting()}
    except FailedError as error:
        return {"ok": False, "url": url, "code": error.code, "detail": error.detail}


def _print(report: dict[str, Any]) -> None:
    from rich.console import Console  # noqa: PLC0415 - heavy
    from rich.table import Table  # noqa: PLC0415 - heavy
    from rich.text import Text  # noqa: PLC0415 - heavy

    from sarau.cli import doctor_text  # noqa: PLC0415 - with its only use

    table = Table(show_header=False, box=None, padding=(0, 2))
    for label, said in doctor_text.lines(report):
        table.add_row(Text(label, "" if said else "bold"), Text(said))
    console = Console()
    console.print(table)
    console.print("[green]ready[/green]" if report["ok"] else "[red]not ready[/red]")
