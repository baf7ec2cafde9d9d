import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from sarau.catalog import Database, workers
from sarau.catalog.tables import workers as table
from sarau.model.clock import now
from sarau.pipeline.pulse import Pulse, living


@pytest.fixture
def pulse(database: Database) -> Iterator[Pulse]:
    found = Pulse(database, code_version="1", concurrency=1, queues=["tracks"])
    yield found
    found.close()


def _add_silent(database: Database, worker_id: str, silent_s: float) -> None:
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
        seen_at = {"seen_at": now() - timedelta(seconds=silent_s)}
        connection.execute(sa.update(table).where(table.c.id == worker_id).values(seen_at))


def test_silence_is_death_unless_it_is_short(database: Database, pulse: Pulse) -> None:
    for worker_id, silent_s in (("hung", 60), ("killed", 8), ("behind_a_pooler", 0)):
        _add_silent(database, worker_id, silent_s)
    assert set(pulse.dead(["hung", "killed", "behind_a_pooler"])) == {"hung", "killed"}
    assert {one.id for one in living(database)} >= {pulse.worker_id, "behind_a_pooler"}


def test_whoever_had_no_database_itself_judges_nobody_at_first(
    database: Database, pulse: Pulse
) -> None:
    _add_silent(database, "silent_as_well", 60)
    assert pulse.dead(["silent_as_well"]) == ["silent_as_well"]
    pulse._beaten_at = missed = time.monotonic() - 60
    assert pulse.dead(["silent_as_well"]) == []
    end = time.monotonic() + 30
    while pulse._beaten_at == missed:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert pulse.dead(["silent_as_well"]) == []


def test_one_that_said_goodbye_is_not_waited_for(database: Database, pulse: Pulse) -> None:
    other = Pulse(database, code_version="1", concurrency=1, queues=["tracks"])
    assert pulse.dead([other.worker_id]) == []
    other.close()
    assert pulse.dead([other.worker_id]) == [other.worker_id]
