"""`sarau catalog move`, over real servers, on SQLite and PostgreSQL."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests import nursery
from tests.commands import sarau
from tests.postgresql import Postgresql
from tests.servers import Server
from tests.sounds import write_music

from sarau.catalog import Database, events, migrate, moving, workers
from sarau.catalog.schema import downgrade
from sarau.catalog.tables import metadata
from sarau.cli import catalog
from sarau.model.ids import LOCAL_USER_ID
from sarau.pipeline.liveness import announce

EVENTS = 15_000


def _contents(url: str) -> dict[str, list[Any]]:
    database = Database(url)
    with database.read() as connection:
        found = {
            table.name: sorted(
                (tuple(row) for row in connection.execute(sa.select(table))), key=repr
            )
            for table in metadata.sorted_tables
        }
    database.close()
    return found


def _is_empty(url: str) -> bool:
    """Tell whether a database that has the tables has no rows of ours."""
    database = Database(url)
    with database.read() as connection:
        moving.check_empty(connection)
        there = "events" in sa.inspect(connection).get_table_names()
    database.close()
    return there


def _catalog(url: str, events_recorded: int = 1) -> Database:
    database = Database(url)
    migrate(database.engine)
    with database.write() as connection:
        draft = events.Draft("track.created", LOCAL_USER_ID, None, None, {"a": 1})
        events.record_all(connection, [draft] * events_recorded)
    return database


def _kinds(server: Server, track_id: str) -> list[str]:
    with server.client() as client:
        items = client.get(f"/api/v1/tracks/{track_id}/events").json()["items"]
    return [one["kind"] for one in items]


def test_an_installation_moves_to_postgresql_and_back_and_every_track_is_made_once(
    make_server: Callable[..., Server], postgresql: Postgresql, tmp_path: Path
) -> None:
    there, back = postgresql.new_database(), f"sqlite:///{tmp_path / 'back.db'}"
    first = make_server(SARAU_WORKERS="1")
    here = f"sqlite:///{first.data / 'sarau.db'}"
    ready = first.wait_for(first.send(write_music(tmp_path / "0.wav"))["id"], "ready", "failed")
    alive = sarau("catalog", "move", here, there)
    assert (alive.returncode, alive.stdout) == (3, "")
    assert "Stop them all" in alive.stderr
    assert "catalog_in_use" in alive.stderr
    waiting = [
        first.send(write_music(tmp_path / f"{n}.wav", seed=n), preset="archive")["id"]
        for n in range(1, 4)
    ]
    first.stop()  # It says that it ends: nobody has to wait for its silence.

    moved = sarau("catalog", "move", here, there, "--json")
    assert moved.returncode == 0, moved.stderr
    found = json.loads(moved.stdout)
    assert found["open_runs"] >= 1
    assert found["rows"]["tracks"] == 4
    assert _contents(there) == _contents(here)

    first._environment["SARAU_DATABASE_URL"] = there
    first.start()
    for track_id in waiting:
        assert first.wait_for(track_id, "ready", "failed")["state"] == "ready"
    histories = {track_id: _kinds(first, track_id) for track_id in [ready["id"], *waiting]}
    for kinds in histories.values():
        assert (kinds.count("track.ready"), kinds.count("run.succeeded")) == (1, 1), kinds
    first.stop()

    shown = sarau("catalog", "move", there, back)
    assert shown.returncode == 0, shown.stderr
    assert "0 open runs queued anew" in shown.stdout
    assert _contents(back) == _contents(there)
    first._environment["SARAU_DATABASE_URL"] = back
    first.start()
    with first.client() as client:
        assert client.get(f"/api/v1/tracks/{ready['id']}").json() == ready
        assert client.get(f"/api/v1/tracks/{ready['id']}/source").status_code == 200
    new = first.send(write_music(tmp_path / "new.wav", seed=9), preset="archive")
    assert first.wait_for(new["id"], "ready", "failed")["state"] == "ready"


def test_a_move_that_is_killed_leaves_nothing_and_can_be_made_again(
    postgresql: Postgresql, tmp_path: Path
) -> None:
    here, there = f"sqlite:///{tmp_path / 'here.db'}", postgresql.new_database()
    _catalog(here, EVENTS).close()
    with Path(os.devnull).open("w") as nobody:
        process = nursery.start(["-m", "sarau", "catalog", "move", here, there], stdout=nobody)
    watcher = Database(there)
    writing = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND query LIKE 'INSERT INTO events%'"
    )
    end = time.monotonic() + 60
    with watcher.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.execute(writing).scalar_one():
            assert process.poll() is None
            assert time.monotonic() < end
    process.kill()
    assert process.wait(timeout=30) == -9
    watcher.close()
    assert _is_empty(there)
    again = sarau("catalog", "move", here, there)
    assert again.returncode == 0, again.stderr
    assert f"the last event is {EVENTS}" in again.stdout
    assert _contents(there) == _contents(here)


def test_a_target_that_has_a_catalog_is_left_alone(postgresql: Postgresql, tmp_path: Path) -> None:
    here, there = f"sqlite:///{tmp_path / 'here.db'}", postgresql.new_database()
    _catalog(here, 2).close()
    _catalog(there, 1).close()
    before = _contents(there)
    refused = sarau("catalog", "move", here, there)
    assert refused.returncode == 3
    assert "catalog_not_empty" in refused.stderr
    assert _contents(there) == before


def test_a_source_of_an_older_schema_is_refused(postgresql: Postgresql, tmp_path: Path) -> None:
    here, there = postgresql.new_database(), f"sqlite:///{tmp_path / 'there.db'}"
    database = _catalog(here)
    downgrade(database.engine, "0003")
    database.close()
    refused = sarau("catalog", "move", here, there)
    assert refused.returncode == 3
    assert "catalog_not_current: the source has schema 0003" in refused.stderr


def test_a_source_that_is_not_there_is_refused_and_not_made(
    postgresql: Postgresql, tmp_path: Path
) -> None:
    refused = sarau("catalog", "move", f"sqlite:///{tmp_path / 'no.db'}", postgresql.new_database())
    assert refused.returncode == 3
    assert "there is no file" in refused.stderr
    assert not (tmp_path / "no.db").exists()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_worker_that_hangs_is_not_taken_for_dead_but_one_that_died_is(
    kind: str, postgresql: Postgresql, tmp_path: Path
) -> None:
    """Long without a pulse, and with its lock or without it."""
    urls = [postgresql.new_database(), f"sqlite:///{tmp_path / 'one.db'}"]
    here, there = urls if kind == "postgresql" else urls[::-1]
    database = _catalog(here)
    with database.write() as connection:
        workers.join(
            connection, "hung", host="disk-d", pid=7, version="1", code_version="1",
            cores=1, concurrency=1, queues=["tracks"],
        )  # fmt: skip
        connection.execute(
            sa.update(metadata.tables["workers"]).values(
                seen_at=sa.text("'2026-01-01 00:00:00.000000'")
            )
        )
    lock = announce(database, "hung")
    refused = sarau("catalog", "move", here, there)
    assert refused.returncode == 3
    assert "catalog_in_use: disk-d:7" in refused.stderr
    lock.close()
    done = sarau("catalog", "move", here, there)
    assert done.returncode == 0, done.stderr
    database.close()


@pytest.mark.parametrize(
    "wrong", ["nonsense", "mysql://db/x", "sqlite://", "postgresql://u:pw@x/y"]
)
def test_an_address_of_another_kind_is_a_wrong_call_and_never_shown(
    wrong: str, tmp_path: Path
) -> None:
    called = sarau("catalog", "move", f"sqlite:///{tmp_path / 'a.db'}", wrong)
    assert called.returncode == 2
    assert "pw" not in called.stderr
    assert "TO_URL" in called.stderr


@pytest.mark.parametrize("address", ["sarau:pw@db/sarau", "sarau@db/sarau?passfile=pgpass"])
def test_an_address_with_a_password_gets_no_token(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SARAU_DATABASE_AUTH", "iam")
    database = catalog._opened(sa.make_url(f"postgresql+psycopg://{address}"))
    assert database.url_as_of_now() == f"postgresql+psycopg://{address}"
    database.close()
