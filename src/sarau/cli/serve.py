"""`sarau serve`: the application."""

from pathlib import Path

import click

from sarau import settings
from sarau.cli import tracing
from sarau.observe import logs


@click.command("serve")
@click.option("--data", type=click.Path(path_type=Path), help="Directory of D, E and the database.")
@click.option("--host", help="Address to listen on. Anything but loopback needs SARAU_TOKEN.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="A TOML file.")
@click.option("--no-worker", is_flag=True, help="Leave the work to `sarau worker`.")
def command(
    data: Path | None,
    host: str | None,
    port: int | None,
    config: Path | None,
    *,
    no_worker: bool,
) -> None:
    """Receive uploads, process them, and show the page."""
    from sarau.web.server import serve  # noqa: PLC0415 - heavy, and only for this command

    found = settings.load(config=config, data=data, host=host, port=port)
    logs.configure(found.log, found.secrets)
    tracing.start()
    serve(found, work=not no_worker)
