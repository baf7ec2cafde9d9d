"""A worker's row in the catalog: its pulse, and whether another's has stopped."""

import logging
import os
import socket
import threading
import time
from collections.abc import Collection, Sequence
from datetime import timedelta

from sarau import __version__
from sarau.catalog import Database, workers
from sarau.model.clock import now
from sarau.pipeline.liveness import announce, new_executor_id

_EVERY_S = 2.0
_QUIET = timedelta(seconds=5)
"""Silence after which a worker whose lock is free is dead."""
SILENT = timedelta(seconds=20)
"""Silence after which a worker is taken for dead whatever its lock says: it hangs."""
_REMEMBERED = timedelta(days=7)

_logger = logging.getLogger(__name__)


class Pulse:
    """Beats while the process lives.

    A lock tells of death at once, but a connection pooler may hide it and a hung process
    keeps it; the time of the last beat tells of both, later. Either alone would be wrong:
    a free lock with a fresh pulse is a pooler, a held one without a pulse is a hang.
    """

    def __init__(
        self, database: Database, *, code_version: str, concurrency: int, queues: Sequence[str]
    ) -> None:
        self.worker_id = new_executor_id()
        self._database = database
        # The lock first: a row without its lock would look like a death.
        self._liveness = announce(database, self.worker_id)
        with database.write() as connection:
            workers.forget(connection, before=now() - _REMEMBERED)
            workers.join(
                connection,
                self.worker_id,
                host=socket.gethostname(),
                pid=os.getpid(),
                version=__version__,
                code_version=code_version,
                cores=len(os.sched_getaffinity(0)),
                concurrency=concurrency,
                queues=queues,
            )
        self._beaten_at = time.monotonic()
        self._steady_since = float("-inf")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self._thread.start()

    def _beat(self) -> None:
        while not self._stop.wait(_EVERY_S):
            try:
                with self._database.write() as connection:
                    workers.beat(connection, self.worker_id)
                self._note_beat()
            except Exception as error:  # noqa: BLE001 - a database that is away must not end it
                _logger.warning("no pulse: %s", error)

    def _note_beat(self) -> None:
        at = time.monotonic()
        if at - self._beaten_at > _QUIET.total_seconds():
            self._steady_since = at
        self._beaten_at = at

    def dead(self, worker_ids: Collection[str]) -> list[str]:
        """Return those workers whose runs may be taken over.

        Whoever was without the database itself judges nobody until the others, for whom it
        was away as well, have had time to beat again.
        """
        at, quiet_s = time.monotonic(), _QUIET.total_seconds()
        if at - self._beaten_at > quiet_s or at - self._steady_since < quiet_s:
            return []
        with self._database.read() as connection:
            silences = workers.silences(connection, worker_ids)
        return [one for one in worker_ids if self._is_dead(one, silences.get(one))]

    def _is_dead(self, worker_id: str, silence: timedelta | None) -> bool:
        if silence is not None and silence < _QUIET:
            return False
        if silence is not None and silence > SILENT:
            return True
        return self._liveness.is_dead(worker_id)

    def drain(self) -> None:
        """Show that this worker takes nothing new."""
        with self._database.write() as connection:
            workers.drain(connection, self.worker_id)

    def close(self) -> None:
        """Say goodbye, so that nobody has to wait for the silence."""
        self._stop.set()
        self._thread.join()
        try:
            with self._database.write() as connection:
                workers.leave(connection, self.worker_id)
        except Exception as error:  # noqa: BLE001 - others will notice the silence
            _logger.warning("left without a word: %s", error)
        self._liveness.close()


def living(database: Database) -> list[workers.Worker]:
    """Return the workers that are not known to be dead."""
    with database.read() as connection:
        return workers.living(connection, silent_for=SILENT)
