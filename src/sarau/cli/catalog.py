"""`sarau catalog`: an installation's catalog as a whole."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
import sqlalchemy as sa
from rich import progress
from rich.console import Console

from sarau import settings
from sarau.catalog import Database

if TYPE_CHECKING:
    from sarau.pipeline.moving import Moved, Told


class _DatabaseType(click.ParamType[sa.URL]):
    """The address of a database that can hold a catalog."""

    name = "url"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> sa.URL:
        """Return the address; it is never shown, as it may hold a password."""
        try:
            url = sa.make_url(str(value))
        except sa.exc.ArgumentError:
            self.fail("this is no address like sqlite:////data/sarau.db", param, ctx)
        is_file = url.drivername == "sqlite" and url.database not in {None, "", ":memory:"}
        if not is_file and url.drivername != "postgresql+psycopg":
            self.fail("only sqlite:///FILE and postgresql+psycopg://... are known", param, ctx)
        return url


@click.group("catalog")
def command() -> None:
    """Move the catalog to another database."""


@command.command("move")
@click.argument("source", metavar="FROM_URL", type=_DatabaseType())
@click.argument("target", metavar="TO_URL", type=_DatabaseType())
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def move_command(source: sa.URL, target: sa.URL, *, as_json: bool) -> None:
    """Copy the catalog at FROM_URL into the empty database at TO_URL and compare every row.

    Stop every server and worker first. What waits or was at work goes on at TO_URL. Nothing
    is there before all of it is. The catalog at FROM_URL stays as it is: never start on it again.
    """
    from sarau.pipeline.moving import move  # noqa: PLC0415 - heavy

    if source == target:
        raise click.UsageError("FROM_URL and TO_URL are the same")
    databases = [_opened(url) for url in (source, target)]
    try:
        with _bar() as told:
            moved = move(databases[0], databases[1], told)
    finally:
        for database in databases:
            database.close()
    if as_json:
        print(json.dumps(asdict(moved)))
    else:
        _show(moved)


def _opened(url: sa.URL) -> Database:
    """Return a database as a server over it would open it, with the same settings.

    Tokens of IAM are only for an address of a host that has no password, and names no file of them.
    """
    has_tokens = url.host and url.password is None and "passfile" not in url.query
    address = url.render_as_string(hide_password=False)
    auth = None if has_tokens else "password"
    return Database.of(settings.load(database_url=address, database_auth=auth))


@contextmanager
def _bar() -> "Iterator[Told]":
    """Show on a terminal how many rows are copied, then how many are compared."""
    bars = progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    with bars:
        tasks = {name: bars.add_task(name, total=None) for name in ("copy", "compare")}

        def told(phase: str, table: str, done: int, total: int) -> None:
            task = tasks[phase]
            bars.update(task, total=total, advance=done, description=f"{phase} {table}")

        yield told


def _show(moved: "Moved") -> None:
    width = max(len(name) for name in moved.rows)
    for name, rows in moved.rows.items():
        print(f"{name:{width}}  {rows}")
    print(
        f"{sum(moved.rows.values())} rows copied and compared; the last event is"
        f" {moved.last_event}; {moved.open_runs} open runs queued anew"
    )
