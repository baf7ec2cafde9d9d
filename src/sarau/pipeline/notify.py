"""Telling other processes over PostgreSQL that something was queued, and hearing it from them.

A notification is sent after the commit and beside it: sent within it, it would make all
commits of the cluster that notify wait for each other's disk. One that is lost is no harm;
queues are looked at now and then, too.
"""

import logging
import secrets
import selectors
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import cast

import psycopg
import sqlalchemy as sa

from sarau.pipeline.bell import Bell

CHANNEL = "sarau_queued"
EVERY_QUEUE = "*"
"""What is said instead of a queue's name when it may be any."""
_CHECK_S = 30.0
"""How often a listener makes sure that it hears: a pooler may swallow what comes."""
_AGAIN_S = 1.0

_logger = logging.getLogger(__name__)


class Announcer:
    """Says names on the channel, together what comes together. Thread-safe."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="announcer")
        self._lock = threading.Lock()
        self._names: set[str] = set()
        self._is_closed = False

    def announce(self, names: Iterable[str]) -> None:
        """Say names soon; nobody waits for it."""
        with self._lock:
            is_due = bool(self._names)
            self._names |= set(names)
            if not is_due and not self._is_closed:
                self._sender.submit(self._send)

    def _send(self) -> None:
        with self._lock:
            names, self._names = self._names, set()
        said = sa.func.unnest(sa.cast(list(names), sa.ARRAY(sa.Text))).column_valued("said")
        # What is lost in a crash is no harm, so nobody waits for the disk.
        hurried = sa.func.set_config("synchronous_commit", "off", True)  # noqa: FBT003 - SQL's
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.select(hurried, sa.func.pg_notify(CHANNEL, said)))
        except sa.exc.SQLAlchemyError as error:
            _logger.warning("nobody was told of what waits: %s", error.__cause__ or error)

    def close(self) -> None:
        """Say what is left to be said, and nothing any more."""
        with self._lock:
            self._is_closed = True
        self._sender.shutdown()


class Listener:
    """A thread that rings for what is announced; without it the bell is not trusted.

    It has a connection of its own, outside the pool, and connects again when it is lost. It
    trusts that connection after it has heard itself over it.
    """

    def __init__(self, engine: sa.Engine, bell: Bell, announcer: Announcer) -> None:
        self._engine = engine
        self._bell = bell
        self._announcer = announcer
        self._name = secrets.token_hex(8)
        self._stop = threading.Event()
        self._woken, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """Stop, and close the connection."""
        self._stop.set()
        self._waker.close()
        if self._thread.is_alive():
            self._thread.join()
        self._woken.close()

    def _run(self) -> None:
        is_told = False
        while not self._stop.is_set():
            try:
                with self._listening() as connection:
                    while not self._stop.is_set():
                        self._hear(connection)
                        is_told = False
            except Exception as error:  # noqa: BLE001 - whatever it is, queues are looked at
                if not is_told:
                    _logger.warning("queues are looked at often: %s", error.__cause__ or error)
                is_told = True
            self._bell.trust(is_trusted=False)
            self._stop.wait(_AGAIN_S)

    @contextmanager
    def _listening(self) -> Iterator[psycopg.Connection]:
        with closing(self._engine.connect()) as connection:
            connection.detach()
            driver = cast("psycopg.Connection", connection.connection.dbapi_connection)
            driver.autocommit = True
            driver.execute(f"LISTEN {CHANNEL}")
            yield driver

    def _hear(self, connection: psycopg.Connection) -> None:
        """Ring for what comes, for a while.

        Raises:
            psycopg.OperationalError: The connection was lost.
            TimeoutError: The own name was not heard.

        """
        self._announcer.announce([self._name])
        heard_itself = False
        end = time.monotonic() + _CHECK_S
        with selectors.DefaultSelector() as selector:
            selector.register(connection.fileno(), selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while (left_s := end - time.monotonic()) > 0 and not self._stop.is_set():
                if not selector.select(left_s):
                    continue
                for note in connection.notifies(timeout=0):
                    if note.payload == self._name:
                        heard_itself = True
                        self._bell.trust(is_trusted=True)
                    elif note.payload == EVERY_QUEUE:
                        self._bell.ring_for_all()
                    else:
                        self._bell.ring(note.payload)
        if not heard_itself and not self._stop.is_set():
            raise TimeoutError("notifications do not arrive: is there a pooler between?")
