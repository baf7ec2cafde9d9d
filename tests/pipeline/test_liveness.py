import subprocess
import sys
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from sarau.catalog import Database
from sarau.pipeline.liveness import _AdvisoryLiveness, announce, new_executor_id

HOLDER = """
import sys, time
from sarau.catalog import Database
from sarau.pipeline.liveness import announce
kept = announce(Database(sys.argv[1]), sys.argv[2])
print("held", flush=True)
time.sleep(60)
"""


def test_the_living_hold_their_lock_and_the_dead_do_not(database: Database) -> None:
    mine = announce(database, new_executor_id())
    other = new_executor_id()
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, database.url, other], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    assert not mine.is_dead(other)
    process.kill()
    process.wait()
    process.stdout.close()
    end = time.monotonic() + 10
    while not mine.is_dead(other):
        assert time.monotonic() < end
    assert mine.is_dead(other)
    mine.close()


def test_one_who_was_never_seen_is_dead(database: Database) -> None:
    mine = announce(database, new_executor_id())
    assert mine.is_dead("nobody")
    mine.close()


def test_executor_ids_never_repeat() -> None:
    assert len({new_executor_id() for _ in range(100)}) == 100


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("how", ["is_dead", "hold"])
def test_who_could_not_connect_again_at_once_does_so_later_and_has_its_lock(
    database: Database, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = new_executor_id()
    mine, other = announce(database, name), announce(database, new_executor_id())
    ask: dict[str, Callable[[], bool]] = {
        "is_dead": lambda: mine.is_dead("nobody"),
        "hold": mine.hold,
    }
    _end_session(database, mine)
    with monkeypatch.context() as patch:
        patch.setattr(database.engine, "connect", _refuse)
        for _ in range(2):
            # Nobody is judged by who cannot ask.
            assert not ask[how]()
    assert other.is_dead(name)
    ask[how]()
    assert not other.is_dead(name)
    assert mine.is_dead("nobody")
    mine.close()
    other.close()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_lock_that_a_lost_session_keeps_is_taken_when_the_server_gives_it_up(
    database: Database,
) -> None:
    """A cut cable ends a session here, and there only when the server finds out."""
    name = new_executor_id()
    mine, other = announce(database, name), announce(database, new_executor_id())
    assert isinstance(mine, _AdvisoryLiveness)
    lost, mine._connection, mine._holds = mine._connection, None, False
    assert lost
    assert not mine.hold()
    assert mine.is_dead("nobody")
    assert not other.is_dead(name)
    lost.invalidate()
    lost.close()
    end = time.monotonic() + 30
    while not mine.hold():
        assert time.monotonic() < end
    assert not other.is_dead(name)
    mine.close()
    other.close()


def _end_session(database: Database, liveness: object) -> None:
    assert isinstance(liveness, _AdvisoryLiveness)
    assert liveness._connection
    pid = liveness._connection.execute(sa.select(sa.func.pg_backend_pid())).scalar_one()
    with database.write() as connection:
        connection.execute(sa.select(sa.func.pg_terminate_backend(pid, 10_000)))


def _refuse() -> None:
    raise sa.exc.OperationalError("", {}, Exception("the database is starting up"))
