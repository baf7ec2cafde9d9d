"""What a process has taken without knowing it is begun after all; what it is at work on is not."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from dbos._sys_db import SystemDatabase

from sarau.catalog import Database
from sarau.model.ids import RunId, new_id
from sarau.pipeline import takeover
from sarau.pipeline.durable import DurableRuns
from sarau.pipeline.gate import Gate

SOON_S = 60.0


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeover, "_EVERY_S", 0.05)
    monkeypatch.setattr(takeover, "START_S", 1.0)


class Worker:
    """A worker in this process with one place, and what it has begun."""

    def __init__(self, database: Database) -> None:
        self.durable = DurableRuns(database)
        self.begun: list[RunId] = []
        self.may_end = threading.Event()
        self._database = database

    def launch(self) -> None:
        self.durable.launch(self._run, [], concurrency=1)

    def _run(self, run_id: RunId, _steps: object) -> None:
        self.begun.append(run_id)
        with self.durable.idle(run_id):
            self.may_end.wait(SOON_S)

    def enqueue(self) -> RunId:
        run_id = RunId(new_id())
        with self._database.write() as connection:
            self.durable.enqueue(connection, run_id)
        return run_id

    def state_of(self, run_id: RunId) -> tuple[str, str | None]:
        with self._database.read() as connection:
            (entry,) = self.durable._ledger.find(connection, [run_id])
        return entry.status, entry.owner


@pytest.fixture
def worker(database: Database) -> Iterator[Worker]:
    found = Worker(database)
    yield found
    found.may_end.set()
    found.durable.close()


def _lose_answers(monkeypatch: pytest.MonkeyPatch, number: int) -> threading.Event:
    """Have the first claims committed by a server whose answers do not arrive."""
    claim, lost = SystemDatabase.start_queued_workflows, threading.Event()

    def claim_and_lose(system: SystemDatabase, *given: Any, **options: Any) -> Any:
        nonlocal number
        taken, why = claim(system, *given, **options)
        if taken and number:
            number -= 1
            lost.set()
            raise sa.exc.OperationalError("COMMIT", {}, Exception("no answer within 15 s"))
        return taken, why

    monkeypatch.setattr(SystemDatabase, "start_queued_workflows", claim_and_lose)
    return lost


def test_a_claim_whose_answer_was_lost_is_begun_by_whoever_made_it(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = _lose_answers(monkeypatch, 2)
    worker.launch()
    worker.may_end.set()
    run_id = worker.enqueue()
    assert lost.wait(SOON_S)
    # This is how it would stay: taken by a process that lives and knows nothing of it.
    assert worker.state_of(run_id) == ("PENDING", worker.durable.worker_id)
    assert worker.begun == []
    _wait_until(lambda: worker.durable.ended([run_id]) == {run_id})
    assert worker.begun == [run_id]


def test_what_takes_long_is_begun_once(worker: Worker) -> None:
    worker.launch()
    runs = [worker.enqueue(), worker.enqueue()]
    # The first waits, and the other has its place.
    _wait_until(lambda: sorted(worker.begun) == sorted(runs))
    time.sleep(3)
    assert [worker.state_of(one) for one in runs] == 2 * [("PENDING", worker.durable.worker_id)]
    worker.may_end.set()
    _wait_until(lambda: worker.durable.ended(runs) == set(runs))
    assert sorted(worker.begun) == sorted(runs)


def test_what_ends_because_its_process_stops_says_nothing_any_more(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sees that the process stops finds the gate shut."""
    stopping: list[bool] = []
    shut = Gate.shut

    def note(gate: Gate) -> None:
        stopping.append(worker.durable.is_stopping)
        shut(gate)

    monkeypatch.setattr(Gate, "shut", note)
    worker.launch()
    worker.durable.hand_back()
    assert stopping == [False]
    assert worker.durable.is_stopping


def _wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON_S
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)
