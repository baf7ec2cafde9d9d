"""What the page, its search and its live events ask."""

import gc
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import sqlalchemy as sa
from tests.servers import Server

from bench.catalog.seed import vocabulary
from bench.catalog.table import Row
from sarau.catalog import (
    Database,
    events,
    figures,
    likenesses,
    listing,
    renditions,
    runs,
    sources,
    uploads,
)
from sarau.catalog.tables import tracks as rows_of_tracks
from sarau.model.ids import LOCAL_USER_ID, RunId, TrackId
from sarau.model.lifecycle import TrackState
from sarau.model.track import Track
from sarau.pipeline.overview import overview

WARM_UP = 20
PAGE = 50
EVENTS = 500
IN_WORK = (TrackState.RECEIVING, TrackState.RECEIVED, TrackState.PROCESSING)


class Chance:
    """Picks tracks, events and words as different people would."""

    def __init__(self, connection: sa.Connection, rng: random.Random) -> None:
        self._rng = rng
        self._last_event = events.last_number(connection)
        hundredth = sa.text("SELECT id FROM tracks TABLESAMPLE BERNOULLI (1)")
        self._ids = [TrackId(one) for one in connection.execute(hundredth).scalars()]
        titles = sa.select(rows_of_tracks.c.title).where(rows_of_tracks.c.id.in_(self._ids))
        self._titles = list(connection.execute(titles).scalars())
        self._words = vocabulary(random.Random(0))

    def track(self) -> TrackId:
        return self._rng.choice(self._ids)

    def event(self) -> int:
        return self._rng.randrange(max(1, self._last_event - EVENTS))

    def common(self) -> str:
        """Return a word that stands in many titles."""
        return self._words[self._rng.randrange(40)]

    def rare(self) -> str:
        """Return two words that stand together in one title or so."""
        return " ".join(self._rng.choice(self._titles).split()[:2])

    def part(self) -> str:
        """Return what somebody has typed so far of a word."""
        word = self._rng.choice(self._titles).split()[0]
        return word[: max(3, len(word) - 2)]

    def nowhere(self) -> str:
        """Return what stands in no title."""
        return "".join(self._rng.choices("qwxyzkj", k=self._rng.randint(4, 8)))


def _asked(question: str, times: int, ask: Callable[[], object]) -> Row:
    for _ in range(WARM_UP):
        ask()
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        ask()
        found.append(time.perf_counter() - begun)
    row = Row(question, found)
    print(f"{question}: {row.cells}", flush=True)
    return row


def ask_the_catalog(url: str, times: int, rng: random.Random) -> list[Row]:
    """Ask through the functions that the server uses, each in a transaction of its own."""
    database = Database(url)
    with database.read() as connection:
        chance = Chance(connection, rng)
    # As the server does once it has started.
    gc.collect()
    gc.freeze()

    def search(text: str, *states: TrackState) -> object:
        with database.read() as connection:
            return _list(connection, None, text, *states)

    def page(before: TrackId | None = None, text: str | None = None, *states: TrackState) -> object:
        with database.read() as connection:
            found = _list(connection, before, text, *states)
            ids = [track.id for track in found]
            uploads.of_tracks(connection, ids)
            sources.find(connection, ids)
            renditions.find(connection, ids)
            likenesses.of_tracks(connection, ids)
            return runs.of_tracks(connection, [RunId(t.run_id) for t in found if t.run_id])

    def in_one(ask: Callable[[sa.Connection], object]) -> object:
        with database.read() as connection:
            return ask(connection)

    questions: dict[str, Callable[[], object]] = {
        "page, first": page,
        "page, anywhere deep": lambda: page(chance.track()),
        "page, failed only": lambda: page(None, None, TrackState.FAILED),
        "page, failed only, deep": lambda: page(chance.track(), None, TrackState.FAILED),
        "page, at work only": lambda: page(None, None, *IN_WORK),
        "search, a common word": lambda: search(chance.common()),
        "search, rare words": lambda: search(chance.rare()),
        "search, part of a word": lambda: search(chance.part()),
        "search, nothing found": lambda: search(chance.nowhere()),
        "search, failed only": lambda: search(chance.common(), TrackState.FAILED),
        "page of a search, a common word": lambda: page(None, chance.common()),
        "page of a search, rare words": lambda: page(None, chance.rare()),
        "page of a search, part of a word": lambda: page(None, chance.part()),
        "counts": lambda: in_one(lambda c: listing.counts(c, LOCAL_USER_ID)),
        "events, 500 after any": lambda: in_one(
            lambda c: events.after(c, chance.event(), owner_id=LOCAL_USER_ID, limit=EVENTS)
        ),
        "events of a track": lambda: in_one(lambda c: events.of_track(c, chance.track())),
        "workers and queues": lambda: overview(database),
        "all figures of /metrics": lambda: in_one(figures.read),
    }
    rows = [_asked(f"catalog: {name}", times, ask) for name, ask in questions.items()]
    database.close()
    return rows


def _list(
    connection: sa.Connection, before: TrackId | None, text: str | None, *states: TrackState
) -> Sequence[Track]:
    return listing.page(
        connection, LOCAL_USER_ID, limit=PAGE + 1, before=before, states=states, text=text
    )


def ask_the_server(url: str, scratch: Path, times: int, rng: random.Random) -> list[Row]:
    """Ask `sarau serve` over HTTP, one request after the other on one connection."""
    database = Database(url)
    with database.read() as connection:
        chance = Chance(connection, rng)
    database.close()
    server = Server(scratch / "data", "--no-worker", SARAU_DATABASE_URL=url).start()
    try:
        with server.client() as client:

            def get(path: str, **query: object) -> httpx.Response:
                answer = client.get(f"/api/v1{path}", params=query)  # type: ignore[arg-type]
                assert answer.status_code == httpx.codes.OK, answer.text
                return answer

            questions: dict[str, Callable[[], object]] = {
                "page, first": lambda: get("/tracks"),
                "page, anywhere deep": lambda: get("/tracks", before=chance.track()),
                "page, failed only": lambda: get("/tracks", state="failed"),
                "page, at work only": lambda: get("/tracks", state=[str(s) for s in IN_WORK]),
                "search, a common word": lambda: get("/tracks", q=chance.common()),
                "search, rare words": lambda: get("/tracks", q=chance.rare()),
                "search, part of a word": lambda: get("/tracks", q=chance.part()),
                "search, nothing found": lambda: get("/tracks", q=chance.nowhere()),
                "events of a track": lambda: get(f"/tracks/{_living(client, chance)}/events"),
                "live events, the first after any": lambda: _first_event(client, chance),
                "workers and queues": lambda: get("/workers"),
            }
            return [_asked(f"HTTP: {name}", times, ask) for name, ask in questions.items()]
    finally:
        server.kill()


def _living(client: httpx.Client, chance: Chance) -> TrackId:
    """Return a track that was not deleted."""
    while client.get(f"/api/v1/tracks/{(found := chance.track())}").status_code != httpx.codes.OK:
        pass
    return found


def _first_event(client: httpx.Client, chance: Chance) -> str:
    with client.stream("GET", "/api/v1/events", params={"after": chance.event()}) as answer:
        return next(line for line in answer.iter_lines() if line.startswith("data:"))
