"""A run that nobody living may take begins again: once, whoever notices it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa
from dbos._schemas.system_database import SystemSchema
from tests.pipeline.conftest import Rooms
from tests.sounds import write_music

from sarau.catalog import tables, volumes
from sarau.catalog.workers import Worker
from sarau.errors import CancelledRunError, FailedCode
from sarau.model.ids import LOCAL_USER_ID, RunId
from sarau.pipeline.ledger import entry_ids
from sarau.pipeline.pulse import Pulse
from sarau.pipeline.routes import Routes
from sarau.pipeline.runner import fail

ENTRIES = SystemSchema.workflow_status


@pytest.fixture
def newer(rooms: Rooms) -> Iterator[Pulse]:
    """A living worker of the next version, beside this process, which knows who lives."""
    rooms.durable.launch(lambda _run, _steps: None, [], concurrency=0)
    assert rooms.durable._worker
    rooms.durable._worker.pulse._steady_since = float("-inf")
    found = Pulse(rooms.database, code_version="2", concurrency=1, queues=["tracks"])
    yield found
    found.close()


def _take(rooms: Rooms, run_id: RunId, *, owner: str, code_version: str) -> None:
    """Note that a worker took a run, as the engine of durable runs does."""
    taken = {"status": "PENDING", "executor_id": owner, "application_version": code_version}
    with rooms.database.write() as connection:
        rooms.durable._client._sys_db._apply_caller_schema(connection)
        mine = ENTRIES.c.workflow_uuid == run_id
        connection.execute(sa.update(ENTRIES).where(mine).values(taken))


def test_a_run_that_was_begun_again_and_taken_is_left_alone(
    rooms: Rooms, newer: Pulse, tmp_path: Path
) -> None:
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    _take(rooms, run_id, owner="gone", code_version="1")
    assert rooms.durable.stranded([run_id]) == {run_id}
    assert rooms.pipeline.begin_again(run_id)
    _take(rooms, run_id, owner=newer.worker_id, code_version="2")
    # Another process still has it in a list from before.
    assert not rooms.pipeline.begin_again(run_id)
    with rooms.database.read() as connection:
        (entry,) = rooms.durable._ledger.find(connection, [run_id])
    assert (entry.status, entry.owner) == ("PENDING", newer.worker_id)


@pytest.mark.usefixtures("newer")
def test_of_two_that_notice_it_at_once_one_begins_it_again(rooms: Rooms, tmp_path: Path) -> None:
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    _take(rooms, run_id, owner="gone", code_version="1")
    together = Barrier(2)

    def begin() -> bool:
        together.wait()
        return rooms.pipeline.begin_again(run_id)

    with ThreadPoolExecutor(2) as pool:
        begun = [one.result() for one in [pool.submit(begin) for _ in range(2)]]
    assert sorted(begun) == [False, True]


def test_who_lost_a_run_shows_nothing_of_it_any_more(
    rooms: Rooms, newer: Pulse, tmp_path: Path
) -> None:
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    here = rooms.durable.worker_id
    assert here
    _take(rooms, run_id, owner=here, code_version="1")
    analysis = rooms.steps.validate(run_id)["analysis"]
    rooms.steps.store(run_id)
    # Cut off, given up by the others, and back while the heir is at work.
    _take(rooms, run_id, owner=newer.worker_id, code_version="1")
    before = rooms.run(run_id)
    for step in (
        partial(rooms.steps.validate, run_id),
        partial(rooms.steps.render, run_id, analysis),
        partial(rooms.steps.publish, run_id, []),
    ):
        with pytest.raises(CancelledRunError):
            step()
    report = rooms.steps._reporter(run_id)
    with pytest.raises(CancelledRunError):
        report(0.9)
    assert rooms.run(run_id) == before


@pytest.mark.usefixtures("newer")
def test_what_can_be_taken_is_left_alone(rooms: Rooms, tmp_path: Path) -> None:
    waits, left = (rooms.receive(write_music(tmp_path / f"{n}.wav", seed=n)) for n in (1, 2))
    _take(rooms, left, owner="gone", code_version="2")
    assert rooms.durable.stranded([waits, left]) == set()
    assert not rooms.pipeline.begin_again(waits)


@pytest.mark.usefixtures("newer")
def test_nobody_who_writes_is_kept_waiting_while_it_is_asked_who_lives(
    rooms: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = rooms.receive(write_music(tmp_path / "a.wav"))
    assert rooms.durable._worker
    pulse = rooms.durable._worker.pulse
    living = pulse.living

    def write() -> None:
        with rooms.database.write() as connection:
            connection.execute(sa.update(tables.tracks).values(title="written meanwhile"))

    def written_meanwhile() -> list[Worker] | None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(write).result(timeout=10)
        return living()

    monkeypatch.setattr(pulse, "living", written_meanwhile)
    assert rooms.durable.stranded([run_id]) == set()
    assert rooms.track(rooms.run(run_id).track_id).title == "written meanwhile"


@pytest.mark.usefixtures("newer")
def test_a_worker_older_than_volume_d_leaves_its_files_to_who_can_read_them(
    rooms: Rooms, tmp_path: Path
) -> None:
    rooms.durable.routes = Routes(promote_first=True)
    run_id = rooms.receive(write_music(tmp_path / "a.wav", seconds=0.5))
    with rooms.database.write() as connection:
        # The web host starts, receives it, and is away again.
        volumes.remember(connection, "intake", "disk")
        web = Routes("disk", promote_first=True)
        rooms.durable.withdraw(connection, run_id)
        rooms.durable.enqueue(connection, run_id, route=web.of(is_stored=False))
    assert rooms.durable.stranded([run_id]) == {run_id}
    assert not rooms.pipeline.begin_again(run_id)
    assert _queues_of(rooms, run_id) == {"promote-disk"}
    fail(rooms.database, run_id, FailedCode.DISK_FULL, "test")
    again = rooms.pipeline.retry(rooms.run(run_id).track_id, LOCAL_USER_ID)
    assert again.run_id
    assert _queues_of(rooms, again.run_id) == {"promote-disk"}


def _queues_of(rooms: Rooms, run_id: RunId) -> set[str | None]:
    with rooms.database.read() as connection:
        ids = entry_ids(run_id)
        return {one.queue for one in rooms.durable._ledger.find(connection, ids)}
