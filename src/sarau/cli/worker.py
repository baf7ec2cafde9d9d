"""`sarau worker`: takes runs from the queues, on any machine that reaches the database."""

import logging
import os
import signal
import threading
from contextlib import ExitStack
from pathlib import Path

import click

from sarau import settings
from sarau.cli import tracing
from sarau.observe import logs, traces

_logger = logging.getLogger(__name__)


@click.command("worker")
@click.option("--data", type=click.Path(path_type=Path), help="Directory of D, E and the database.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="A TOML file.")
@click.option("--workers", type=click.IntRange(1), help="Runs at once; one a core by default.")
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    help="Answer /metrics on SARAU_HOST at this port; 0 for any.",
)
def command(
    data: Path | None, config: Path | None, workers: int | None, metrics_port: int | None
) -> None:
    """Work on what others receive, until told to stop.

    SIGTERM or Ctrl-C: takes nothing new, waits SARAU_DRAIN_S for what is at work, hands the
    rest to other workers, and ends. A second signal ends the waiting.
    """
    from sarau.app import open_worker  # noqa: PLC0415 - heavy, and only for this command

    found = settings.load(config=config, data=data, workers=workers, metrics_port=metrics_port)
    logs.configure(found.log, found.secrets)
    tracing.start()
    stop, give_up = threading.Event(), threading.Event()

    def ask(_signal: int, _frame: object) -> None:
        (give_up if stop.is_set() else stop).set()

    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, ask)
    with ExitStack() as stack:
        app = stack.enter_context(open_worker(found))
        durable = app.durable
        if found.metrics_port is not None:
            from sarau.web.figures_server import serving_figures  # noqa: PLC0415 - as above

            stack.enter_context(serving_figures(app, found, found.metrics_port))
        _logger.info("worker %s takes %d runs at once", durable.worker_id, found.worker_count)
        stop.wait()
        _logger.info("draining: nothing new is taken, at most %d s", found.drain_s)
        if durable.drain(found.drain_s, give_up):
            _logger.info("everything is done")
        else:
            _logger.warning("what is still at work is handed back")
        durable.hand_back()
        traces.stop()
        logging.shutdown()
        # As after a crash: nothing that is still at work may outlive its handing back.
        os._exit(0)
