"""A worker's row in the catalog: its pulse, and whether another's has stopped."""

import logging
import os
import socket
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sarau import __version__
from sarau.catalog import Database, workers
from sarau.model.clock import now
from sarau.pipeline.liveness import announce, new_executor_id
from sarau.pipeline.sightings import Sightings

_EVERY_S = 2.0
_QUIET_S = 5.0
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

    Silence is what this process has seen of it, by its own clock that only runs forward:
    a wall clock that jumps, here or at the database, and a machine that was suspended
    must not make the living look dead.
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
        self._asking = threading.Lock()
        self._sightings = Sightings()
        self._beaten_at = self._steady_since = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self._thread.start()

    def _beat(self) -> None:
        is_held = True
        while not self._stop.wait(_EVERY_S):
            try:
                with self._database.write() as connection:
                    workers.beat(connection, self.worker_id)
                self._note_beat()
                if not is_held:
                    with self._asking:
                        is_held = self._liveness.hold()
            except Exception as error:  # noqa: BLE001 - a database that is away must not end it
                # What was without the database has most likely lost its lock, too.
                is_held = False
                _logger.warning("no pulse: %s", error)

    def _note_beat(self) -> None:
        at = time.monotonic()
        if at - self._beaten_at > _QUIET_S:
            self._sightings.forget()
            self._steady_since = at
        self._beaten_at = at

    def _is_steady(self) -> bool:
        """Tell whether this process had the database all the time in the last few seconds."""
        at = time.monotonic()
        return at - self._beaten_at <= _QUIET_S <= at - self._steady_since

    def dead(self, worker_ids: Collection[str]) -> list[str]:
        """Return those workers whose runs may be taken over.

        Whoever was without the database itself, or has just begun, judges nobody by silence
        until the others, for whom it was away as well, have had time to beat again.
        """
        with self._database.read() as connection:
            beats = workers.beats(connection, worker_ids)
        return [one for one in worker_ids if self._is_dead(one, self._silence_s(beats, one))]

    def living(self) -> list[workers.Worker] | None:
        """Return the workers that are not dead; None when this process cannot know."""
        with self._database.read() as connection:
            found = workers.not_left(connection)
        beats = {one.id: one.seen_at for one in found}
        alive = [one for one in found if not self._is_dead(one.id, self._silence_s(beats, one.id))]
        return alive if self._is_steady() else None

    def _silence_s(self, beats: Mapping[str, datetime | None], worker_id: str) -> float | None:
        """Return how long a worker has been silent; for ever when it left; None: unknown."""
        if worker_id not in beats:
            return None
        seen_at = beats[worker_id]
        return float("inf") if seen_at is None else self._sightings.silence_s(worker_id, seen_at)

    def _is_dead(self, worker_id: str, silence_s: float | None) -> bool:
        if self._liveness.is_certain and self._has_free_lock(worker_id):
            return True
        if not self._is_steady() or (silence_s is not None and silence_s < _QUIET_S):
            return False
        if silence_s is not None and silence_s > SILENT.total_seconds():
            return True
        return self._has_free_lock(worker_id)

    def _has_free_lock(self, worker_id: str) -> bool:
        # Several threads of a process ask, over the one connection that holds its own lock.
        with self._asking:
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
    """Return the workers that were seen lately by the database's clock, for people to see."""
    with database.read() as connection:
        return workers.living(connection, silent_for=SILENT)
