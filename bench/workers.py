"""How much sooner two worker processes are done than one, on one PostgreSQL.

All tracks wait in the queue before the first worker starts; time is from its first step to the
last track that is ready, by the database's clock. Each worker takes one run at once.

    python -m bench.workers [--tracks 24] [--seconds 60] [--rounds 2]
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import sqlalchemy as sa
from tests.postgresql import Postgresql
from tests.servers import Server, Worker
from tests.sounds import write_music

from sarau.catalog.tables import runs

PATIENCE_S = 600


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.workers")
    parser.add_argument("--tracks", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    took: dict[int, list[float]] = {1: [], 2: []}
    with Postgresql.start() as postgresql:
        for _ in range(given.rounds):
            for processes, found in took.items():
                found.append(_round(postgresql, processes, given.tracks, given.seconds))
                print(f"{processes} workers: {found[-1]:.1f} s", flush=True)
    minutes = given.tracks * given.seconds / 60
    for processes, found in took.items():
        print(f"{processes} workers: {60 * minutes / median(found):.0f} minutes of music a minute")
    print(f"two are {median(took[1]) / median(took[2]):.2f} x one")


def _round(postgresql: Postgresql, processes: int, tracks: int, seconds: float) -> float:
    url = postgresql.new_database()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        server = Server(place / "data", "--no-worker", SARAU_DATABASE_URL=url).start()
        for number in range(tracks):
            server.send(write_music(place / f"{number}.wav", seconds=seconds, seed=number))
        workers = [
            Worker(
                server.data, place / f"{one}.log", SARAU_DATABASE_URL=url, SARAU_WORKERS="1"
            )
            for one in range(processes)
        ]  # fmt: skip
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
