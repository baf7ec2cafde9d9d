"""What Sarau relies on in DBOS, the private call included. Run before its version is changed."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from dbos._utils import retriable_postgres_exception
from tests import nursery

from sarau.catalog import Database
from sarau.catalog.database import create_engine
from sarau.model.ids import RunId, new_id
from sarau.pipeline.durable import DurableRuns
from sarau.pipeline.pulse import living
from sarau.pipeline.routes import COMMON_QUEUE, Route, Routes

WORKER = """
import os, signal, sys, threading, time
from sarau.catalog import Database
from sarau.pipeline.durable import DurableRuns
from sarau.pipeline.routes import Routes

database = Database(sys.argv[1])
log = os.open(sys.argv[2], os.O_APPEND | os.O_CREAT | os.O_WRONLY)
die_in = sys.argv[3]

def say(what):
    os.write(log, f"{os.getpid()} {what}\\n".encode())

def first(run_id):
    say(f"first {run_id}")
    return {"made": "by first"}

def second(run_id, given):
    say(f"second {run_id} {given['made']}")
    if die_in == "never":
        time.sleep(0.3)
    if die_in == "second":
        os.kill(os.getpid(), signal.SIGKILL)
    if die_in == "handing_back":
        at_work.set()
        broken_off.wait()
        time.sleep(0.5)
        say(f"ended {run_id}")
    return {}

def workflow(run_id, durable):
    made = durable["first"](run_id)
    durable["second"](run_id, made)
    say(f"done {run_id}")

at_work, broken_off = threading.Event(), threading.Event()
runs = DurableRuns(database, Routes("disk"), code_version=sys.argv[4])
runs.launch(
    workflow, [first, second], concurrency=int(sys.argv[5]), break_off=broken_off.set
)
if die_in == "handing_back":
    at_work.wait()
    runs.hand_back()
    os._exit(0)
time.sleep(60)
"""


@pytest.fixture
def durable(database: Database) -> Iterator[DurableRuns]:
    found = DurableRuns(database, Routes("disk"))
    yield found
    found.close()


def _worker(
    database: Database,
    log: Path,
    die_in: str = "never",
    *,
    code_version: str = "1",
    concurrency: int = 2,
) -> nursery.Forked | subprocess.Popen[bytes]:
    arguments = [database.url, str(log), die_in, code_version, str(concurrency)]
    return nursery.start(["-c", WORKER, *arguments])


def _wait_for(log: Path, text: str, timeout_s: float = 30) -> str:
    end = time.monotonic() + timeout_s
    while True:
        found = log.read_text() if log.exists() else ""
        if text in found:
            return found
        assert time.monotonic() < end, f"{text!r} not in:\n{found}"
        time.sleep(0.05)


def _enqueue(database: Database, durable: DurableRuns, route: Route | None = None) -> RunId:
    run_id = RunId(new_id())
    with database.write() as connection:
        durable.enqueue(connection, run_id, route=route)
    return run_id


def test_a_run_is_queued_with_its_transaction_or_not_at_all(
    database: Database, durable: DurableRuns, tmp_path: Path
) -> None:
    lost = RunId(new_id())

    def roll_back() -> None:
        with database.write() as connection:
            durable.enqueue(connection, lost)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        roll_back()
    kept = _enqueue(database, durable)
    worker = _worker(database, tmp_path / "log")
    try:
        said = _wait_for(tmp_path / "log", f"done {kept}")
    finally:
        worker.kill()
        worker.wait()
    assert lost not in said


def _rows(database: Database, table: str, run_ids: list[RunId]) -> list[dict[str, object]]:
    schema = "" if database.engine.dialect.name == "sqlite" else "dbos."
    query = sa.text(f"SELECT * FROM {schema}{table} WHERE workflow_uuid = :id")
    with database.read() as connection:
        found = [connection.execute(query, {"id": one}).mappings().one() for one in run_ids]
    return [dict(row) for row in found]


def test_runs_queued_together_are_what_each_would_be_alone(
    database: Database, durable: DurableRuns, tmp_path: Path
) -> None:
    run_ids = [RunId(new_id()) for _ in range(3)]
    with database.write() as connection:
        durable.enqueue(connection, run_ids[0], turn=6)
        turns = list(zip(run_ids[1:], (7, 8), strict=True))
        durable.enqueue_all(connection, turns, route=Route(COMMON_QUEUE, "process"))
    alone, first, copy = _rows(database, "workflow_status", run_ids)
    assert [row["priority"] for row in (alone, first, copy)] == [6, 7, 8]
    # Nobody looks for runs that wait for a time or have one to end by: pipeline/chores.py.
    assert (alone["status"], alone["delay_until_epoch_ms"]) == ("ENQUEUED", None)
    assert (alone["workflow_timeout_ms"], alone["workflow_deadline_epoch_ms"]) == (None, None)
    own = {"workflow_uuid", "created_at", "updated_at", "priority", "creator_xid"}
    same = alone.keys() - own
    assert {name: copy[name] for name in same} == {name: alone[name] for name in same}
    inputs = [str(row["inputs"]) for row in _rows(database, "workflow_input", run_ids)]
    plain = [one.replace(run_id, "") for one, run_id in zip(inputs, run_ids, strict=True)]
    assert plain[0] != inputs[0]
    assert plain == [plain[0]] * 3
    log = tmp_path / "log"
    worker = _worker(database, log, concurrency=1)
    try:
        said = _wait_for(log, f"done {run_ids[2]}")
    finally:
        worker.kill()
        worker.wait()
    assert [line.split()[2] for line in said.splitlines() if " done " in line] == run_ids


def test_another_process_continues_what_a_killed_one_left(
    database: Database, durable: DurableRuns, tmp_path: Path
) -> None:
    run_id = _enqueue(database, durable)
    log = tmp_path / "log"
    doomed = _worker(database, log, die_in="second")
    assert doomed.wait(timeout=30) == -9
    heir = _worker(database, log)
    try:
        said = _wait_for(log, f"done {run_id}")
    finally:
        heir.kill()
        heir.wait()
    lines = [line.split(maxsplit=1)[1] for line in said.splitlines()]
    # The first step is not called again: its result came from the checkpoint.
    assert lines == [
        f"first {run_id}",
        f"second {run_id} by first",
        f"second {run_id} by first",
        f"done {run_id}",
    ]


def test_nobody_takes_over_from_the_living(
    database: Database, durable: DurableRuns, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    workers = [_worker(database, log) for _ in range(2)]
    try:
        runs = [_enqueue(database, durable) for _ in range(10)]
        for run_id in runs:
            said = _wait_for(log, f"done {run_id}")
        time.sleep(3)  # longer than a look for the dead
        said = log.read_text()
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert all(said.count(f"first {run_id}") == 1 for run_id in runs)


def test_a_database_that_cannot_be_reached_is_waited_for(tmp_path: Path) -> None:
    """What is not waited for ends a run's thread while its process lives on."""
    engine = create_engine(f"postgresql+psycopg://postgres@/none?host={tmp_path}")
    with pytest.raises(sa.exc.OperationalError) as caught:
        engine.connect()
    assert retriable_postgres_exception(caught.value)


def test_a_cancelled_run_never_starts(
    database: Database, durable: DurableRuns, tmp_path: Path
) -> None:
    cancelled, kept = _enqueue(database, durable), _enqueue(database, durable)
    durable.cancel(cancelled)
    worker = _worker(database, tmp_path / "log")
    try:
        said = _wait_for(tmp_path / "log", f"done {kept}")
        end = time.monotonic() + 10
        while durable.ended([cancelled, kept]) != {cancelled, kept}:
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        worker.kill()
        worker.wait()
    assert cancelled not in said


def test_each_process_takes_as_many_at_once_as_its_own_limit(
    database: Database, durable: DurableRuns, tmp_path: Path
) -> None:
    """A queue's row in the database is everybody's: the last to start must not rule the others."""
    log = tmp_path / "log"
    wide = _worker(database, log, concurrency=4)
    kept = _enqueue(database, durable)
    _wait_for(log, f"done {kept}")
    narrow = _worker(database, log, concurrency=1)
    try:
        runs = [_enqueue(database, durable) for _ in range(30)]
        for run_id in runs:
            said = _wait_for(log, f"done {run_id}")
    finally:
        for worker in (wide, narrow):
            worker.kill()
            worker.wait()
    assert _most_at_once(said, narrow.pid) <= 1
    assert 2 <= _most_at_once(said, wide.pid) <= 4


def test_a_process_passes_its_limit_over_no_two_queues(
    database: Database, durable: DurableRuns, tmp_path: Path
) -> None:
    on_disk = Route("intake-disk", "process")
    runs = [_enqueue(database, durable, route) for route in (None, on_disk) for _ in range(4)]
    worker = _worker(database, tmp_path / "log", concurrency=1)
    try:
        for run_id in runs:
            said = _wait_for(tmp_path / "log", f"done {run_id}")
    finally:
        worker.kill()
        worker.wait()
    assert _most_at_once(said, worker.pid) == 1


def test_nothing_is_handed_back_before_its_step_has_ended(
    database: Database, durable: DurableRuns, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    run_id = _enqueue(database, durable)
    first = _worker(database, log, die_in="handing_back")
    _wait_for(log, f"second {run_id}")
    heir = _worker(database, log)
    try:
        assert first.wait(timeout=30) == 0
        said = _wait_for(log, f"{heir.pid} done {run_id}")
    finally:
        heir.kill()
        heir.wait()
    # What the broken off step returned became no checkpoint: it is called again.
    ended, again = f"{first.pid} ended {run_id}", f"{heir.pid} second {run_id} by first"
    assert said.index(ended) < said.index(again)


def _most_at_once(said: str, pid: int) -> int:
    most = now = 0
    for line in said.splitlines():
        who, what, *_ = line.split()
        if int(who) == pid:
            now += {"first": 1, "done": -1}.get(what, 0)
            most = max(most, now)
    return most


def test_while_two_versions_run_the_newer_one_takes_what_waits(
    database: Database, durable: DurableRuns, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    old = _worker(database, log, code_version="1")
    before = _enqueue(database, durable)
    _wait_for(log, f"done {before}")
    new = _worker(database, log, code_version="2")
    try:
        end = time.monotonic() + 30
        while {worker.code_version for worker in living(database)} != {"1", "2"}:
            assert time.monotonic() < end
            time.sleep(0.05)
        time.sleep(2)
        after = [_enqueue(database, durable) for _ in range(5)]
        for run_id in after:
            said = _wait_for(log, f"done {run_id}")
    finally:
        for worker in (old, new):
            worker.kill()
            worker.wait()
    assert f"{old.pid} done {before}" in said
    assert all(f"{new.pid} done {run_id}" in said for run_id in after)


def test_what_an_older_version_began_is_seen_to_be_stranded_once_no_such_worker_lives(
    database: Database, durable: DurableRuns, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    run_id = _enqueue(database, durable)
    doomed = _worker(database, log, die_in="second", code_version="1")
    assert doomed.wait(timeout=30) == -9
    heir = _worker(database, log, code_version="2")
    try:
        # Who looks after volume D knows who lives, and takes no run itself.
        durable.launch(lambda _run, _steps: None, [], concurrency=0)
        end = time.monotonic() + 40
        while durable.stranded([run_id]) != {run_id}:
            assert time.monotonic() < end
            time.sleep(0.2)
        with database.write() as connection:
            assert durable.withdraw_stranded(connection, run_id)
            durable.enqueue(connection, run_id)
        said = _wait_for(log, f"{heir.pid} done {run_id}")
        # While the heir lives: killed here, it may not have said yet that the run is over.
        assert durable.stranded([run_id]) == set()
    finally:
        heir.kill()
        heir.wait()
    assert f"{heir.pid} first {run_id}" in said
