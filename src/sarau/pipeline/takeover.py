"""Continuing what dead processes left, and what this one took without knowing it."""

import logging
import threading
import time
from collections.abc import Callable, Collection

from dbos import DBOS

from sarau.catalog import Database
from sarau.pipeline.ledger import Claim, Ledger
from sarau.pipeline.pulse import Pulse
from sarau.pipeline.slots import START_S
from sarau.pipeline.waking import Waking

_EVERY_S = 2.0

_logger = logging.getLogger(__name__)


class TakeOver:
    """A thread that looks for what nobody is at work on; every process has one.

    Args:
        database: The catalog's.
        ledger: Who has taken what.
        pulse: Who lives.
        stop: Ends the thread when it is set.
        waking: Wakes whoever may take what is found.
        here: Returns the ids of what this process has at work, or is about to begin.

    """

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        pulse: Pulse,
        stop: threading.Event,
        waking: Waking,
        here: Callable[[], Collection[str]],
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._pulse = pulse
        self._stop = stop
        self._waking = waking
        self._here = here
        self._idle_since: dict[Claim, float] = {}

    def start(self) -> None:
        """Begin to look, until `stop` is set."""
        threading.Thread(target=self._watch, name="take-over", daemon=True).start()

    def _watch(self) -> None:
        while not self._stop.wait(_EVERY_S):
            try:
                self._look()
            except Exception:
                # A database that is away for a moment must not end the watch.
                _logger.exception("looking for what nobody is at work on failed")

    def _look(self) -> None:
        own = self._pulse.worker_id
        with self._database.read() as connection:
            owners = self._ledger.owners(connection)
            claims = self._ledger.claims(connection, own) if own in owners else []
        self._give_back(own, claims)
        others = owners - {own}
        dead = self._pulse.dead(others) if others else []
        if dead and not self._stop.is_set():
            _logger.warning("taking over the runs of %s", ", ".join(dead))
            # DBOS recovers other executors' runs only through this call; its
            # behaviour is pinned by tests/pipeline/test_durable_contract.py.
            DBOS._recover_pending_workflows(dead)  # noqa: SLF001
            self._waking.wake_all()

    def _give_back(self, own: str, claims: Collection[Claim]) -> None:
        """Queue again what this process has by the ledger alone.

        A claim may be committed although its answer never came: then nobody begins it, and
        nobody takes it from a process that lives. Whoever is at work on it after all is
        fenced, which costs that work and nothing else.
        """
        here, at = self._here(), time.monotonic()
        self._idle_since = {
            one: self._idle_since.get(one, at) for one in claims if one.id not in here
        }
        for one, since in self._idle_since.items():
            if at - since < START_S or self._stop.is_set():
                continue
            if self._ledger.give_back(one, own):
                _logger.warning("%s was taken and never begun: it is queued again", one.id)
                self._waking.wake_all()
