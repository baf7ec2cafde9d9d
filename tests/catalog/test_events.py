import threading

import pytest
import sqlalchemy as sa

from sarau.catalog import Database, events
from sarau.model.ids import LOCAL_USER_ID


def _record(database: Database, times: int) -> None:
    for _ in range(times):
        with database.write() as connection:
            events.record(connection, "track.created", owner_id=LOCAL_USER_ID)


def test_numbers_have_no_gaps_under_many_writers(database: Database) -> None:
    threads = [threading.Thread(target=_record, args=(database, 20)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert [event.number for event in events.after(connection, 0)] == list(range(1, 81))


def test_a_rolled_back_change_leaves_no_event_and_no_gap(database: Database) -> None:
    def change_and_fail() -> None:
        with database.write() as connection:
            events.record(connection, "track.created", owner_id=LOCAL_USER_ID)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    _record(database, 1)
    with database.read() as connection:
        assert [event.number for event in events.after(connection, 0)] == [1]


@pytest.mark.parametrize("statement", ["UPDATE events SET kind = 'x'", "DELETE FROM events"])
def test_the_record_cannot_be_rewritten(database: Database, statement: str) -> None:
    _record(database, 1)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.write() as connection:
        connection.exec_driver_sql(statement)


def test_listeners_hear_of_commits_only(database: Database) -> None:
    heard: list[int] = []
    database.on_commit(lambda: heard.append(1))
    with pytest.raises(ZeroDivisionError), database.write():
        raise ZeroDivisionError
    assert heard == []
    _record(database, 2)
    assert heard == [1, 1]
