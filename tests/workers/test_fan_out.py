"""One long track on two workers, processes of their own, one of which may die."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.servers import Server, Worker
from tests.sounds import write_music

from sarau.catalog import Database
from sarau.catalog.tables import events, render_groups, renditions

MakeServer = Callable[..., Server]
MakeWorker = Callable[..., Worker]


HEAD = "the worker that has the run"


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shared.db'}"
    url: str = request.getfixturevalue("postgresql").new_catalog()
    return url


@pytest.mark.soak
@pytest.mark.parametrize(
    ("database_url", "victim"),
    [
        ("sqlite", HEAD),
        ("postgresql", "nobody"),
        ("postgresql", "the helper"),
        ("postgresql", HEAD),
    ],
    indirect=["database_url"],
)
def test_two_workers_make_the_bytes_that_one_makes_whoever_is_killed(
    make_server: MakeServer,
    make_worker: MakeWorker,
    database_url: str,
    tmp_path: Path,
    victim: str,
) -> None:
    setting = {"SARAU_DATABASE_URL": database_url, "SARAU_WORKERS": "1"}
    web = make_server("--no-worker", **setting)
    source = write_music(tmp_path / "a.wav", seconds=60)
    workers = [make_worker(web.data, **setting, SARAU_DIVIDE_S="30") for _ in range(2)]
    for worker in workers:
        worker.wait_until_it_says("runs at once")
    divided = web.send(source)["id"]
    database = Database(database_url)
    hands = _wait_until_both_work(database)
    if victim != "nobody":
        pid = hands["helper" if victim == "the helper" else "run"]
        next(one for one in workers if f"-{one.process.pid}-" in pid).end(signal.SIGKILL)
    assert web.wait_for(divided, "ready", "failed", timeout_s=240)["state"] == "ready"
    # The same music as another track, by a worker for which it is short.
    for worker in workers:
        if worker.process.poll() is None:
            worker.end(signal.SIGKILL)
    make_worker(web.data, **setting, SARAU_DIVIDE_S="3600")
    alone = web.send(source)["id"]
    assert web.wait_for(alone, "ready", "failed", timeout_s=240)["state"] == "ready"
    assert _objects(database, divided) == _objects(database, alone)
    with database.read() as connection:
        kinds = sa.select(events.c.kind).where(events.c.track_id == divided)
        assert list(connection.execute(kinds).scalars()).count("track.ready") == 1
        assert not connection.execute(sa.select(render_groups)).all()
    database.close()


def _wait_until_both_work(database: Database) -> dict[str, str]:
    """Return the worker that has the run and the one that helps it, by what they are."""
    query = sa.select(render_groups.c.hand, render_groups.c.worker_id).where(
        render_groups.c.progress > 0
    )
    end = time.monotonic() + 120
    while True:
        with database.read() as connection:
            hands = {row.hand: row.worker_id for row in connection.execute(query)}
        if set(hands) == {"run", "helper"}:
            return hands
        assert time.monotonic() < end, hands
        time.sleep(0.05)


def _objects(database: Database, track_id: str) -> dict[str, str]:
    query = sa.select(renditions.c.name, renditions.c.object_sha256).where(
        renditions.c.track_id == track_id
    )
    with database.read() as connection:
        found = {row.name: row.object_sha256 for row in connection.execute(query)}
    assert len(found) == 4
    return found
