"""Requests that share a transaction keep apart what belongs to each."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from sarau.catalog import Database
from sarau.intake.group_commit import GroupCommit
from sarau.observe.context import bind, request_id


def test_work_done_in_anothers_thread_belongs_to_its_own_request(sqlite_database: Database) -> None:
    commits = GroupCommit(sqlite_database)
    is_at_work, may_end = threading.Event(), threading.Event()

    def keep_busy(_connection: sa.Connection) -> None:
        is_at_work.set()
        assert may_end.wait(30)

    def ask(name: str) -> tuple[str, str | None, int]:
        with bind(request_id=name):
            return commits.run(lambda _: (name, request_id(), threading.get_ident()))

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(commits.run, keep_busy)
        assert is_at_work.wait(30)
        asked = [pool.submit(ask, name) for name in ("one", "two", "three")]
        while len(commits._batches._queue) < len(asked):
            assert not first.done()
            time.sleep(0.001)
        may_end.set()
        found = [one.result() for one in asked]
    assert all(name == told for name, told, _ in found)
    assert len({thread for _, _, thread in found}) == 1
