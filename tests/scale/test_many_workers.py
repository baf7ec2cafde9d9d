"""Many tracks through workers that keep dying, on a database that goes away twice."""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from tests.postgresql import Postgresql
from tests.scale.pieces import Pieces
from tests.scale.record import Record, check_ready_once, objects_on_disk
from tests.servers import Server, Worker

from sarau.errors import FailedError

MANY = int(os.environ.get("SARAU_TEST_TRACKS", "2000"))
FEW = 60
WORKERS = 4
KILLED_EVERY_S = 2.0
RESTARTED_AT = (1 / 3, 2 / 3)
"""PostgreSQL goes away when this much of the tracks is ready, and comes back after a while."""
AWAY_S = 3.0
SENDERS = 4
AHEAD = 1 / 20
"""How much of the tracks may wait: so people still send when the database goes away."""
AHEAD_AT_LEAST = 15
"""Runs of the dead wait for an heir some seconds; the living need others meanwhile."""
EVERY_STREAMING = 10
"""Each tenth track becomes four renditions, the others one."""
PATIENCE_S = 8.0
"""For each track, on a machine that does other things too."""


class Senders:
    """People who send pieces of music and do not give up."""

    def __init__(self, web: Server, pieces: Pieces, record: Record, tracks: int) -> None:
        self.presets: dict[str, str] = {}
        """Of each acknowledged track."""
        self.refused: Counter[str] = Counter()
        self.ready = 0
        self._web = web
        self._pieces = pieces
        self._record = record
        self._tracks = tracks
        self._thread = threading.Thread(target=self._send_all, daemon=True)
        self._thread.start()

    @property
    def are_done(self) -> bool:
        return not self._thread.is_alive()

    def _send_all(self) -> None:
        with ThreadPoolExecutor(SENDERS) as pool:
            list(pool.map(self._send, range(self._tracks)))

    def _send(self, number: int) -> None:
        while len(self.presets) > self.ready + max(AHEAD_AT_LEAST, AHEAD * self._tracks):
            time.sleep(0.1)
        preset = "streaming" if number % EVERY_STREAMING == 0 else "archive"
        path = self._pieces.write(number)
        with self._web.client() as client:
            while (track_id := self._try(client, path, preset)) is None:
                time.sleep(0.2)
        self.presets[track_id] = preset
        path.unlink()

    def _try(self, client: httpx.Client, path: Path, preset: str) -> str | None:
        query = {"filename": path.name, "preset": preset}
        try:
            answer = client.post("/api/v1/tracks", params=query, content=path.read_bytes())
        except httpx.TransportError as error:
            self.refused[type(error).__name__] += 1
            return None
        if answer.status_code == httpx.codes.CREATED:
            return str(answer.json()["id"])
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
        self.refused[answer.json()["code"]] += 1
        return None


class Crew:
    """Workers of which one is killed every now and then, and replaced at once."""

    def __init__(self, data: Path, logs: Path, rng: random.Random, **environment: str) -> None:
        self.kills = 0
        self._data = data
        self._logs = logs
        self._environment = environment
        self._rng = rng
        self._count = 0
        logs.mkdir()
        self._workers = [self._hire() for _ in range(WORKERS)]

    def _hire(self) -> Worker:
        log = self._logs / f"{self._count:04}.log"
        self._count += 1
        return Worker(self._data, log, **self._environment)

    def kill_one(self) -> None:
        """Kill one that has joined: who has not begun has nothing to lose."""
        self._replace_the_fallen()
        joined = [
            number
            for number, one in enumerate(self._workers)
            if "runs at once" in one.log.read_text()
        ]
        if joined:
            number = self._rng.choice(joined)
            self._workers[number].end()
            self._workers[number] = self._hire()
            self.kills += 1

    def _replace_the_fallen(self) -> None:
        """Do what a service manager does: one that starts without a database ends."""
        for number, one in enumerate(self._workers):
            if one.process.poll() is not None:
                assert "database_unavailable" in one.log.read_text(), one.log.read_text()
                self._workers[number] = self._hire()

    def dismiss(self) -> None:
        for one in self._workers:
            one.end()


@pytest.fixture
def make_crew(tmp_path: Path) -> Iterator[Callable[..., Crew]]:
    """Hire workers; all are dismissed at the end."""
    crews: list[Crew] = []

    def make(data: Path, rng: random.Random, **environment: str) -> Crew:
        crews.append(Crew(data, tmp_path / "logs", rng, **environment))
        return crews[-1]

    yield make
    for crew in crews:
        crew.dismiss()


@pytest.fixture
def record(own_postgresql: Postgresql) -> Iterator[Record]:
    found = Record(own_postgresql.new_database())
    yield found
    found.close()


@pytest.mark.parametrize(
    "tracks",
    [
        pytest.param(FEW, marks=[pytest.mark.soak, pytest.mark.timeout(FEW * PATIENCE_S + 240)]),
        pytest.param(MANY, marks=[pytest.mark.scale, pytest.mark.timeout(MANY * PATIENCE_S + 240)]),
    ],
)
def test_every_track_is_ready_once_whatever_dies(
    tracks: int,
    make_server: Callable[..., Server],
    make_crew: Callable[..., Crew],
    own_postgresql: Postgresql,
    record: Record,
    tmp_path: Path,
) -> None:
    seed = random.randrange(1 << 32)
    print(f"\nseed {seed}")
    web = make_server("--no-worker", SARAU_DATABASE_URL=record.url)
    crew = make_crew(
        web.data, random.Random(seed), SARAU_DATABASE_URL=record.url, SARAU_WORKERS="1"
    )
    begun, away = time.monotonic(), list(RESTARTED_AT)
    senders = Senders(web, Pieces(tmp_path / "pieces"), record, tracks)
    at_rest = False
    while not (senders.are_done and at_rest):
        time.sleep(KILLED_EVERY_S)
        crew.kill_one()
        with suppress(FailedError):
            states = record.states()
            senders.ready = states["ready"]
            # What was received without an answer was sent again, so it is one more.
            at_rest = senders.ready >= tracks and record.is_at_rest()
            _tell(time.monotonic() - begun, crew.kills, states)
        if away and senders.ready >= away[0] * tracks:
            away.pop(0)
            own_postgresql.crash()
            time.sleep(AWAY_S)
            own_postgresql.come_back()
        took_s = time.monotonic() - begun
        assert took_s < tracks * PATIENCE_S, (record.states(), record.codes(), crew.kills)
    print(f"{tracks} tracks ready in {took_s:.0f} s, {tracks / took_s * 60:.0f} a minute")
    print(f"{crew.kills} workers killed, PostgreSQL stopped {len(RESTARTED_AT)} times")
    print(f"refused meanwhile: {dict(senders.refused)}; begun again: {dict(record.codes())}")
    assert len(senders.presets) == tracks
    check_ready_once(record, senders.presets)
    _check_objects(record, web.data / "library")


def _tell(at_s: float, kills: int, states: Counter[str]) -> None:
    if kills % 30 == 0:
        print(f"{at_s:.0f} s, {kills} kills: {dict(states)}", flush=True)


def _check_objects(record: Record, library: Path) -> None:
    """There is one set of objects: all of them needed, and each has the bytes of its name."""
    on_disk = objects_on_disk(library)
    assert {name for name, sha256 in on_disk.items() if name != sha256} == set()
    assert record.recorded_objects() == record.needed_objects()
    assert set(on_disk) == record.recorded_objects()
