import subprocess
import sys
import time

from sarau.catalog import Database
from sarau.pipeline.liveness import announce, new_executor_id

HOLDER = """
import sys, time
from sarau.catalog import Database
from sarau.pipeline.liveness import announce
kept = announce(Database(sys.argv[1]), sys.argv[2])
print("held", flush=True)
time.sleep(60)
"""


def test_the_living_hold_their_lock_and_the_dead_do_not(database: Database) -> None:
    mine = announce(database, new_executor_id())
    other = new_executor_id()
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, database.url, other], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    assert not mine.is_dead(other)
    process.kill()
    process.wait()
    process.stdout.close()
    end = time.monotonic() + 10
    while not mine.is_dead(other):
        assert time.monotonic() < end
    assert mine.is_dead(other)
    mine.close()


def test_one_who_was_never_seen_is_dead(database: Database) -> None:
    mine = announce(database, new_executor_id())
    assert mine.is_dead("nobody")
    mine.close()


def test_executor_ids_never_repeat() -> None:
    assert len({new_executor_id() for _ in range(100)}) == 100
