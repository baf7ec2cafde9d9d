"""What a server and a worker cost while nothing happens, and how soon they begin when it does.

On PostgreSQL; processor time is that of `sarau serve --no-worker`, of `sarau worker` and of the
sessions that they hold in the database, in seconds and as a share of one core.

    python -m bench.idle [--seconds 60] [--sent 60] [--tracks 0]

With `--tracks` the catalog holds so many that are done: a million take a while to be made.
"""

import argparse
import os
import random
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa
from tests.postgresql import Postgresql
from tests.servers import Server, Worker
from tests.sounds import write_music

from bench.catalog.seed import AT_REST, seed
from bench.catalog.table import Row
from sarau.catalog import Database, migrate
from sarau.catalog.tables import runs

SETTLED_S = 65
"""The engine of durable runs looks for schedules every second in its first minute."""
_FILLING_S = 3600.0
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def _cpu_s(pid: int) -> float:
    """Return the processor time of a process and of the children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS_A_SECOND


def _sessions(database: str) -> list[int]:
    marked = f"postgres: postgres {database} "
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if (place / "cmdline").read_text().startswith(marked):
                found.append(int(place.name))
        except OSError:
            continue
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.idle")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--sent", type=int, default=60)
    parser.add_argument("--tracks", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, Postgresql.start(syncs=True) as postgresql:
        url = postgresql.new_database()
        if given.tracks:
            _fill(url, given.tracks)
        server = Server(Path(scratch) / "data", "--no-worker", SARAU_DATABASE_URL=url).start()
        worker = Worker(server.data, Path(scratch) / "worker.log", SARAU_DATABASE_URL=url)
        try:
            worker.wait_until_it_says("runs at once")
            time.sleep(SETTLED_S)
            name = str(sa.make_url(url).database)
            _measure_idling(server, worker, name, given.seconds)
            _measure_beginning(server, url, Path(scratch), given.sent)
        finally:
            worker.end()
            server.kill()


def _fill(url: str, tracks: int) -> None:
    database = Database(url, answer_s=_FILLING_S)
    migrate(database.engine)
    seed(database.engine, tracks, AT_REST)
    database.close()


def _measure_idling(server: Server, worker: Worker, database: str, seconds: int) -> None:
    watched = {"sarau serve": [server.pid], "sarau worker": [worker.process.pid]}
    watched["PostgreSQL's sessions"] = _sessions(database)
    before = {name: sum(map(_cpu_s, pids)) for name, pids in watched.items()}
    time.sleep(seconds)
    for name, pids in watched.items():
        spent_s = sum(map(_cpu_s, pids)) - before[name]
        share = f"{100 * spent_s / seconds:.2f} % of a core"
        print(f"{name}: {spent_s:.2f} s in {seconds} s, {share} ({len(pids)} processes)")


def _measure_beginning(server: Server, url: str, scratch: Path, sent: int) -> None:
    ids = []
    for number in range(sent):
        path = write_music(scratch / f"{number}.wav", seconds=1, seed=number)
        track = server.send(path, preset="archive")
        server.wait_for(track["id"], "ready")
        ids.append(track["id"])
        time.sleep(random.uniform(0, 0.5))
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        query = sa.select(runs.c.created_at, runs.c.started_at).where(runs.c.track_id.in_(ids))
        waits = [(row[1] - row[0]).total_seconds() for row in connection.execute(query)]
    engine.dispose()
    print("milliseconds from enqueued to started, one track at a time, p50 | p99 | longest:")
    print(Row("", waits).cells)


if __name__ == "__main__":
    main()
