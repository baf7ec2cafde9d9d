import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from tests.postgresql import Postgresql

from sarau.catalog import Database, workers
from sarau.catalog.tables import workers as table
from sarau.model.clock import now
from sarau.pipeline.liveness import _key, announce, new_executor_id
from sarau.pipeline.pulse import Pulse


@pytest.fixture
def pulse(database: Database) -> Iterator[Pulse]:
    found = Pulse(database, code_version="1", concurrency=1, queues=["tracks"])
    yield found
    found.close()


@pytest.fixture
def postgresql_database(postgresql: Postgresql) -> Iterator[Database]:
    found = Database(postgresql.new_catalog())
    yield found
    found.close()


@pytest.fixture
def postgresql_pulse(postgresql_database: Database) -> Iterator[Pulse]:
    found = Pulse(postgresql_database, code_version="1", concurrency=1, queues=["tracks"])
    yield found
    found.close()


def _add(database: Database, worker_id: str) -> None:
    """Add a worker whose lock nobody holds."""
    with database.write() as connection:
        workers.join(
            connection,
            worker_id,
            host="elsewhere",
            pid=1,
            version="0",
            code_version="1",
            cores=1,
            concurrency=1,
            queues=[],
        )


def _hang(database: Database) -> Pulse:
    """Return a worker that holds its lock and says nothing."""
    hung = Pulse(database, code_version="1", concurrency=1, queues=["tracks"])
    hung._stop.set()
    hung._thread.join()
    return hung


def _pass_by(monkeypatch: pytest.MonkeyPatch, seconds: float, *, pulse: Pulse) -> None:
    """Let time pass for this process, in which it goes on beating."""
    later = time.monotonic() + seconds
    monkeypatch.setattr("sarau.pipeline.pulse.time.monotonic", lambda: later)
    pulse._beaten_at = later


def test_silence_is_death_unless_it_is_short(
    postgresql_database: Database, postgresql_pulse: Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, pulse = postgresql_database, postgresql_pulse
    names = ["killed", "behind_a_pooler"]
    for worker_id in names:
        _add(database, worker_id)
    _pass_by(monkeypatch, 6, pulse=pulse)
    assert pulse.dead(names) == []
    _pass_by(monkeypatch, 6, pulse=pulse)
    with database.write() as connection:
        workers.beat(connection, "behind_a_pooler")
    assert pulse.dead(names) == ["killed"]
    assert {one.id for one in pulse.living() or ()} == {pulse.worker_id, "behind_a_pooler"}


def test_a_free_lock_is_death_at_once_where_it_cannot_lie(sqlite_database: Database) -> None:
    pulse = Pulse(sqlite_database, code_version="1", concurrency=1, queues=["tracks"])
    _add(sqlite_database, "killed")
    assert pulse.dead(["killed"]) == ["killed"]
    pulse.close()


def test_one_that_hangs_is_found_out_although_it_holds_its_lock(
    database: Database, pulse: Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung = _hang(database)
    for seconds, dead in ((6, []), (15, []), (6, [hung.worker_id])):
        _pass_by(monkeypatch, seconds, pulse=pulse)
        assert pulse.dead([hung.worker_id]) == dead
    hung.close()


def test_a_wall_clock_that_jumps_kills_nobody(
    database: Database, pulse: Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a suspended machine wakes: an hour later by the wall clock, and nobody beat."""
    other = Pulse(database, code_version="1", concurrency=1, queues=["tracks"])
    _pass_by(monkeypatch, 6, pulse=pulse)
    assert pulse.dead([other.worker_id]) == []
    with database.write() as connection:
        long_ago = {"seen_at": now() - timedelta(hours=1)}
        connection.execute(sa.update(table).values(long_ago))
    assert pulse.dead([other.worker_id]) == []
    assert {one.id for one in pulse.living() or ()} == {pulse.worker_id, other.worker_id}
    other.close()


def test_whoever_had_no_database_itself_judges_nobody_at_first(
    database: Database, pulse: Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung = _hang(database)
    _pass_by(monkeypatch, 6, pulse=pulse)
    assert pulse.living() is not None
    _pass_by(monkeypatch, 60, pulse=pulse)
    pulse._beaten_at -= 60
    assert pulse.dead([hung.worker_id]) == []
    assert pulse.living() is None
    pulse._note_beat()
    assert pulse.dead([hung.worker_id]) == []
    assert pulse.living() is None
    hung.close()


def test_one_that_said_goodbye_is_not_waited_for(
    database: Database, pulse: Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Pulse(database, code_version="1", concurrency=1, queues=["tracks"])
    _pass_by(monkeypatch, 6, pulse=pulse)
    assert pulse.dead([other.worker_id]) == []
    other.close()
    assert pulse.dead([other.worker_id]) == [other.worker_id]


def test_who_was_without_the_database_takes_its_lock_again(
    postgresql_database: Database, postgresql_pulse: Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, pulse = postgresql_database, postgresql_pulse
    other = announce(database, new_executor_id())
    beat, is_away = workers.beat, threading.Event()

    def no_pulse(connection: sa.Connection, worker_id: str) -> None:
        if not is_away.is_set():
            sessions = sa.func.pg_terminate_backend(sa.column("pid"))
            locks = sa.select(sessions).select_from(sa.text("pg_locks"))
            connection.execute(locks.where(sa.text(f"locktype = 'advisory' AND objid = {key}")))
            is_away.set()
            raise ConnectionError("as if the database had been away")
        beat(connection, worker_id)

    key = _key(pulse.worker_id) % (1 << 32)
    monkeypatch.setattr(workers, "beat", no_pulse)
    assert is_away.wait(30)
    end = time.monotonic() + 60
    while other.is_dead(pulse.worker_id):
        assert time.monotonic() < end
        time.sleep(0.1)
    other.close()
