"""How much sooner two worker processes are done than one, on one PostgreSQL.

All tracks wait in the queue before the first worker starts; time is from its first step to the
last track that is ready, by the database's clock. Each worker takes one run at once and has a
core of its own; with `--shared` they share all of them, and a lone worker uses more than one.

    python -m bench.workers [--tracks 24] [--seconds 60] [--rounds 2] [--shared]
"""

import argparse
import tempfile
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from statistics import median

import sqlalchemy as sa
from tests.postgresql import Postgresql
from tests.servers import Server, Worker
from tests.sounds import write_music

from bench.cores import all_cores, on_cores
from sarau.catalog.tables import runs

PATIENCE_S = 600


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.workers")
    parser.add_argument("--tracks", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--shared", action="store_true", help="no core of its own for a worker")
    given = parser.parse_args()
    cores = all_cores()
    own = [cores if given.shared else [core] for core in cores[:2]]
    took: dict[int, list[float]] = {1: [], 2: []}
    with Postgresql.start(syncs=True) as postgresql:
        for _ in range(given.rounds):
            for processes, found in took.items():
                found.append(_round(postgresql, own[:processes], given.tracks, given.seconds))
                print(f"{processes} workers: {found[-1]:.1f} s", flush=True)
    minutes = given.tracks * given.seconds / 60
    for processes, found in took.items():
        print(f"{processes} workers: {60 * minutes / median(found):.0f} minutes of music a minute")
    print(f"two are {median(took[1]) / median(took[2]):.2f} x one")


def _round(
    postgresql: Postgresql, cores: Sequence[Collection[int]], tracks: int, seconds: float
) -> float:
    """Return the seconds that one worker on each of `cores` needs."""
    url = postgresql.new_database()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        server = Server(place / "data", "--no-worker", SARAU_DATABASE_URL=url).start()
        for number in range(tracks):
            server.send(write_music(place / f"{number}.wav", seconds=seconds, seed=number))
        environment = {"SARAU_DATABASE_URL": url, "SARAU_WORKERS": "1"}
        workers = []
        for number, own in enumerate(cores):
            with on_cores(own):
                workers.append(Worker(server.data, place / f"{number}.log", **environment))
        try:
            return _wait(url, tracks)
        finally:
            for worker in workers:
                worker.end()
            server.kill()


def _wait(url: str, tracks: int) -> float:
    engine = sa.create_engine(url)
    done = sa.select(
        sa.func.count(), sa.func.max(runs.c.finished_at) - sa.func.min(runs.c.started_at)
    ).where(runs.c.state == "succeeded")
    end = time.monotonic() + PATIENCE_S
    try:
        while True:
            with engine.connect() as connection:
                number, took = connection.execute(done).one()
            if number == tracks:
                return float(took.total_seconds())
            assert time.monotonic() < end, f"{number} of {tracks}"
            time.sleep(0.5)
    finally:
        engine.dispose()


if __name__ == "__main__":
    main()
