"""Who refers to an object and who removes it keep each other away, and nobody else."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
import sqlalchemy as sa

from sarau.catalog import Database, object_lock

ONE, OTHER = "a" * 64, "f" * 64


def _can_collect(database: Database, sha256: str) -> bool:
    with object_lock.collecting(database, sha256) as is_alone:
        return is_alone


def _can_refer(database: Database, sha256: str) -> bool:
    with object_lock.referring_at_once(database, sha256) as is_held:
        return is_held


def test_who_refers_keeps_the_collector_from_these_objects_alone(database: Database) -> None:
    with object_lock.referring(database, [ONE]), object_lock.referring(database, [ONE]):
        assert _can_refer(database, ONE)
        assert not _can_collect(database, ONE)
        assert _can_collect(database, OTHER)
    assert _can_collect(database, ONE)


def test_the_collector_keeps_everybody_from_its_object_alone(database: Database) -> None:
    with object_lock.collecting(database, ONE) as is_alone:
        assert is_alone
        assert not _can_refer(database, ONE)
        assert not _can_collect(database, ONE)
        assert _can_collect(database, OTHER)
        with object_lock.referring(database, [OTHER]):
            pass
    assert _can_refer(database, ONE)


def _refer(database: Database, sha256s: Sequence[str]) -> None:
    with object_lock.referring(database, sha256s):
        pass


def test_who_waits_for_the_collector_does_not_take_it_for_a_database_that_hangs(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_lock, "_SLICE_S", 0.1)
    impatient = Database(database.engine.url.render_as_string(hide_password=False), answer_s=0.3)
    waited = threading.Semaphore(0)
    sa.event.listen(impatient.engine, "handle_error", lambda _context: waited.release())
    try:
        with ThreadPoolExecutor(1) as pool:
            with object_lock.collecting(database, ONE):
                referring = pool.submit(_refer, impatient, [OTHER, ONE])
                referring.add_done_callback(lambda _: waited.release(5))
                if database.engine.dialect.name == "postgresql":
                    for _ in range(5):
                        assert waited.acquire(timeout=60)
                assert not wait([referring], timeout=0).done
            referring.result()
    finally:
        impatient.close()
