"""What is queued is taken at once, wherever it was queued; looking now and then is the net."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from tests.hanging import HangingDoor
from tests.postgresql import Postgresql

from sarau.catalog import Database
from sarau.catalog.database import create_engine
from sarau.model.ids import RunId, new_id
from sarau.pipeline import notify, polling
from sarau.pipeline.bell import Bell
from sarau.pipeline.durable import DurableRuns
from sarau.pipeline.notify import Announcer, Listener
from sarau.pipeline.routes import COMMON_QUEUE
from sarau.pipeline.waking import Waking

NEVER_S = 3600.0
SOON_S = 60.0
"""What a test waits for at most; it needs a part of a second."""
ITS_LISTENER = sa.text(
    "SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND query LIKE 'LISTEN sarau%'"
)


class Rests:
    """Who waits for the common queue; no look of theirs sees what is queued from then on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._begun = threading.Semaphore(0)
        wait = Bell.wait

        def seen(bell: Bell, queue: str, heard: int, timeout_s: float) -> bool:
            if queue == COMMON_QUEUE:
                self._begun.release()
            return wait(bell, queue, heard, timeout_s)

        monkeypatch.setattr(Bell, "wait", seen)

    def forget(self) -> None:
        while self._begun.acquire(blocking=False):
            pass

    def wait(self) -> None:
        assert self._begun.acquire(timeout=SOON_S)


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> Rests:
    return Rests(monkeypatch)


@pytest.fixture
def nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_RARELY_S", "_OFTEN_S", "_AWAY_S"):
        monkeypatch.setattr(polling, name, NEVER_S)


class Taking:
    """A worker in this process, and what it has begun."""

    def __init__(self, durable: DurableRuns) -> None:
        self.durable = durable
        self._begun: dict[RunId, threading.Event] = {}
        durable.launch(self._run, [], concurrency=2)

    def _run(self, run_id: RunId, _steps: object) -> None:
        self._begun[run_id].set()

    def takes(self, database: Database, queue: DurableRuns) -> bool:
        """Queue a run over `database` and tell whether it was taken."""
        run_id = RunId(new_id())
        begun = self._begun[run_id] = threading.Event()
        with database.write() as connection:
            queue.enqueue(connection, run_id)
        return begun.wait(SOON_S)


@pytest.fixture
def taking(database: Database) -> Iterator[Callable[[], Taking]]:
    found = DurableRuns(database)
    yield lambda: Taking(found)
    found.close()


@pytest.fixture
def elsewhere(database: Database) -> Iterator[tuple[Database, DurableRuns]]:
    """What another process has: connections of its own, and no bell of ours."""
    another = Database(database.url)
    durable = DurableRuns(another)
    yield another, durable
    durable.close()
    another.close()


@pytest.mark.usefixtures("nobody_looks")
def test_what_this_process_queues_is_taken_though_nobody_looks(
    database: Database,
    taking: Callable[[], Taking],
    rests: Rests,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Waking, "listen", lambda _waking: None)
    worker = taking()
    for _ in range(2):
        rests.wait()
        rests.forget()
        assert worker.takes(database, worker.durable)


@pytest.mark.usefixtures("nobody_looks")
def test_what_another_process_queues_is_taken_though_nobody_looks(
    elsewhere: tuple[Database, DurableRuns], taking: Callable[[], Taking], rests: Rests
) -> None:
    worker = taking()
    for _ in range(2):
        rests.wait()
        rests.forget()
        assert worker.takes(*elsewhere)


def test_what_nobody_tells_of_is_taken_by_looking(
    elsewhere: tuple[Database, DurableRuns],
    taking: Callable[[], Taking],
    rests: Rests,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(polling, "_RARELY_S", NEVER_S)
    monkeypatch.setattr(Waking, "listen", lambda _waking: None)
    worker = taking()
    rests.wait()
    assert worker.takes(*elsewhere)


@pytest.mark.usefixtures("nobody_looks")
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_listener_that_lost_its_connection_hears_again_and_misses_nothing(
    database: Database,
    elsewhere: tuple[Database, DurableRuns],
    taking: Callable[[], Taking],
    rests: Rests,
) -> None:
    worker = taking()
    bell = worker.durable._waking.bell
    _wait_until(lambda: bell.is_trusted)
    rests.wait()
    rests.forget()
    with database.write() as connection:
        (pid,) = connection.execute(ITS_LISTENER).scalars()
        connection.execute(sa.select(sa.func.pg_terminate_backend(pid)))
    # Queued while nobody hears, or as soon as somebody does again.
    assert worker.takes(*elsewhere)
    _wait_until(lambda: bell.is_trusted)
    rests.wait()
    rests.forget()
    assert worker.takes(*elsewhere)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_process_with_nothing_to_do_asks_the_queues_nothing(
    taking: Callable[[], Taking], rests: Rests
) -> None:
    worker = taking()
    bell = worker.durable._waking.bell
    _wait_until(lambda: bell.is_trusted)
    rests.wait()
    asked: list[str] = []

    def note(*given: object) -> None:
        asked.append(str(given[2]))

    time.sleep(2)  # What was begun before it rests.
    sa.event.listen(worker.durable._engine, "before_cursor_execute", note)
    time.sleep(3)  # Longer than each second, in which DBOS asks by itself.
    sa.event.remove(worker.durable._engine, "before_cursor_execute", note)
    about_queues = ("queues", "application_versions", "pg_try_advisory_xact_lock", "FOR UPDATE")
    assert not [one for one in asked if any(word in one for word in about_queues)]
    # One question for all queues now and then is what there is.
    assert len([one for one in asked if "EXISTS" in one]) <= 1


def test_a_listener_that_hears_nothing_is_not_trusted(
    own_postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "_CHECK_S", 0.2)
    address = sa.make_url(own_postgresql.new_database())
    door = HangingDoor(own_postgresql.socket)
    engine = create_engine(
        f"postgresql+psycopg://postgres@127.0.0.1:{door.port}/{address.database}", answer_s=2
    )
    bell, announcer = Bell(), Announcer(engine)
    listener = Listener(engine, bell, announcer)
    try:
        listener.start()
        _wait_until(lambda: bell.is_trusted)
        door.hang()
        _wait_until(lambda: not bell.is_trusted)
        door.heal()
        _wait_until(lambda: bell.is_trusted)
    finally:
        listener.close()
        announcer.close()
        engine.dispose()
        door.close()


def test_a_run_that_was_rolled_back_wakes_nobody(database: Database) -> None:
    engine = create_engine(database.url)
    waking = Waking(database, engine)

    def roll_back() -> None:
        with database.write():
            waking.note(COMMON_QUEUE)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        roll_back()
    assert waking.bell.rings(COMMON_QUEUE) == 0
    with database.write():
        waking.note("another")
        assert waking.bell.rings("another") == 0
    assert waking.bell.rings("another") == 1
    waking.close()
    engine.dispose()


def _wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON_S
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)
