"""How long PostgreSQL is waited for: a database may hang instead of dying.

A server, proxy or failover that takes bytes and says nothing keeps a connection alive for ever;
neither TCP nor a timeout of the server's own ends the wait. So the clock of this side does. What
was in doubt then was not acknowledged, and its connection is closed.
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.abc import RV, PQGen

CONNECTION = {
    # Seconds for each address of a host; milliseconds below.
    "connect_timeout": 5,
    # A peer that vanished is found out after 10 + 3 x 5 s of silence.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""Parameters of libpq; those in the database's own address come first."""
_INTERVAL_S = 0.1


class PatientConnection(psycopg.Connection[Any]):
    """A connection that is closed when an answer takes too long."""

    answer_s: float | None = None
    """How long each answer is waited for; None: for ever, as a migration may need."""

    def wait(
        self, gen: PQGen[RV], interval: float = _INTERVAL_S, timeout: float | None = None
    ) -> RV:
        """Wait for what libpq has to do, which is everything that is asked of the server."""
        if timeout is not None or self.answer_s is None:
            return super().wait(gen, interval, timeout)
        begun = time.monotonic()
        try:
            return super().wait(gen, interval, self.answer_s)
        except psycopg.OperationalError as error:
            if error.sqlstate is not None or time.monotonic() - begun < self.answer_s:
                raise
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer within {self.answer_s:g} s") from error

    def notifies(self, **options: Any) -> Generator[psycopg.Notify]:  # noqa: ANN401 - psycopg's
        """Wait for notifications: for ever, as they may never come."""
        self.answer_s = None
        return super().notifies(**options)


def make_patient(
    engine: sa.Engine, answer_s: float | None, password: Callable[[], str] | None = None
) -> None:
    """Have an engine make connections that wait for `answer_s`, each with a password as of then."""

    def connect(_dialect: object, _record: object, given: Any, named: Any) -> PatientConnection:  # noqa: ANN401 - the driver's
        if password is not None:
            named = {**named, "password": password()}
        connection = PatientConnection.connect(*given, **named)
        connection.answer_s = answer_s
        return connection

    sa.event.listen(engine, "do_connect", connect)


@contextmanager
def unhurried(connection: sa.Connection) -> Iterator[None]:
    """Let what a connection is asked within the block take as long as it takes."""
    driver = connection.connection.dbapi_connection
    if not isinstance(driver, PatientConnection):
        yield
        return
    usual, driver.answer_s = driver.answer_s, None
    try:
        yield
    finally:
        driver.answer_s = usual
