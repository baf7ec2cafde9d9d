"""Continuing what dead processes left, for as long as this one lives."""

import logging
import threading

from dbos import DBOS

from sarau.catalog import Database
from sarau.pipeline.ledger import Ledger
from sarau.pipeline.pulse import Pulse
from sarau.pipeline.waking import Waking

_EVERY_S = 2.0

_logger = logging.getLogger(__name__)


class TakeOver:
    """A thread that looks for the dead; every process has one."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        pulse: Pulse,
        stop: threading.Event,
        waking: Waking,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._pulse = pulse
        self._stop = stop
        self._waking = waking

    def start(self) -> None:
        """Begin to look, until `stop` is set."""
        threading.Thread(target=self._watch, name="take-over", daemon=True).start()

    def _watch(self) -> None:
        while not self._stop.wait(_EVERY_S):
            try:
                self._look()
            except Exception:
                # A database that is away for a moment must not end the watch.
                _logger.exception("looking for dead executors failed")

    def _look(self) -> None:
        with self._database.read() as connection:
            owners = self._ledger.owners(connection)
        others = owners - {self._pulse.worker_id}
        dead = self._pulse.dead(others) if others else []
        if dead and not self._stop.is_set():
            _logger.warning("taking over the runs of %s", ", ".join(dead))
            # DBOS recovers other executors' runs only through this call; its
            # behaviour is pinned by tests/pipeline/test_durable_contract.py.
            DBOS._recover_pending_workflows(dead)  # noqa: SLF001
            self._waking.wake_all()
