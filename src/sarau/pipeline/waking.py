"""From a transaction that queues something to whoever waits for it, in whichever process."""

import threading
from pathlib import Path

import sqlalchemy as sa

from sarau.catalog import Database
from sarau.pipeline.bell import Bell
from sarau.pipeline.file_watch import FileWatch
from sarau.pipeline.notify import EVERY_QUEUE, Announcer, Listener


class Waking:
    """Wakes who waits: here at once, elsewhere by what the database has for it. Thread-safe."""

    def __init__(self, database: Database, engine: sa.Engine) -> None:
        self.bell = Bell()
        self._engine = engine
        is_sqlite = engine.dialect.name == "sqlite"
        self._announcer = None if is_sqlite else Announcer(engine)
        self._hearing: FileWatch | Listener | None = None
        self._noted = threading.local()
        database.on_commit(self._commit_seen)

    def note(self, queue: str) -> None:
        """Wake who waits for a queue, once this thread's transaction has committed."""
        self._noted.queues = {*self._of_this_thread(), queue}

    def _of_this_thread(self) -> set[str]:
        found: set[str] = getattr(self._noted, "queues", set())
        return found

    def _commit_seen(self) -> None:
        # One that rolled back leaves its note to the thread's next: that wakes for nothing.
        queues = self._of_this_thread()
        if not queues:
            return
        self._noted.queues = set()
        for queue in queues:
            self.bell.ring(queue)
        if self._announcer is not None:
            self._announcer.announce(queues)

    def wake_all(self) -> None:
        """Wake whoever waits for any queue, here and elsewhere."""
        self.bell.ring_for_all()
        if self._announcer is not None:
            self._announcer.announce([EVERY_QUEUE])

    def listen(self) -> None:
        """Ring for what other processes queue, too, until `close`."""
        if self._announcer is not None:
            self._hearing = Listener(self._engine, self.bell, self._announcer)
        else:
            self._hearing = FileWatch(Path(str(self._engine.url.database)), self.bell)
        self._hearing.start()

    def close(self) -> None:
        """Say what is left to be said, and let nobody wait any more."""
        if self._hearing is not None:
            self._hearing.close()
        if self._announcer is not None:
            self._announcer.close()
        self.bell.close()
