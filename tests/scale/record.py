"""What PostgreSQL and the library say of many tracks, asked beside the application."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from sarau.catalog.database import translated
from sarau.catalog.tables import events, objects, renditions, runs, sources, tracks
from sarau.model.preset import PRESETS


class Record:
    """Questions to one catalog, and to the files it speaks of."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = sa.create_engine(url, pool_pre_ping=True)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with translated(), self._engine.connect() as connection:
            yield connection

    def states(self) -> Counter[str]:
        """Return how many tracks are in each state."""
        with self._read() as connection:
            query = sa.select(tracks.c.state, sa.func.count()).group_by(tracks.c.state)
            return Counter({row[0]: row[1] for row in connection.execute(query)})

    def state_of(self, track_ids: Iterable[str]) -> dict[str, str]:
        with self._read() as connection:
            query = sa.select(tracks.c.id, tracks.c.state).where(tracks.c.id.in_(list(track_ids)))
            return {row[0]: row[1] for row in connection.execute(query)}

    def times(self, kind: str) -> Counter[str]:
        """Return how often an event of a kind was recorded for each track."""
        with self._read() as connection:
            query = sa.select(events.c.track_id, sa.func.count()).where(events.c.kind == kind)
            return Counter({r[0]: r[1] for r in connection.execute(query.group_by("track_id"))})

    def runs_that_ended(self, state: str) -> Counter[str]:
        """Return how many runs of each track ended in a state."""
        with self._read() as connection:
            query = sa.select(runs.c.track_id, sa.func.count()).where(runs.c.state == state)
            return Counter({r[0]: r[1] for r in connection.execute(query.group_by("track_id"))})

    def last_worker_of(self, track_id: str) -> str:
        """Return the worker that was the last to have the newest run of a track."""
        with self._read() as connection:
            query = sa.select(runs.c.worker_id).where(runs.c.track_id == track_id)
            return str(connection.execute(query.order_by(runs.c.attempt.desc())).scalars().first())

    def codes(self) -> Counter[str]:
        """Return for what reasons runs failed, before they began again."""
        with self._read() as connection:
            query = sa.select(runs.c.code, sa.func.count()).where(runs.c.state == "failed")
            return Counter({r[0]: r[1] for r in connection.execute(query.group_by("code"))})

    def names_of_renditions(self) -> dict[str, list[str]]:
        with self._read() as connection:
            query = sa.select(renditions.c.track_id, renditions.c.name).order_by("position")
            found: dict[str, list[str]] = {}
            for track_id, name in connection.execute(query):
                found.setdefault(track_id, []).append(name)
            return found

    def recorded_objects(self) -> set[str]:
        with self._read() as connection:
            return set(connection.execute(sa.select(objects.c.sha256)).scalars())

    def needed_objects(self) -> set[str]:
        """Return the objects that a source or a rendition refers to."""
        with self._read() as connection:
            needed = sa.union(
                sa.select(sources.c.object_sha256), sa.select(renditions.c.object_sha256)
            )
            return set(connection.execute(needed).scalars())

    def is_at_rest(self) -> bool:
        """Tell whether nothing hangs on: what was received without an answer is ready as well."""
        return set(self.states()) <= {"ready", "receiving"} and not self.open_workflows()

    def open_workflows(self) -> Counter[str]:
        """Return what the engine of durable runs still means to do."""
        with self._read() as connection:
            query = "SELECT status, count(*) FROM dbos.workflow_status GROUP BY status"
            found = connection.exec_driver_sql(query).all()
        return Counter({r[0]: r[1] for r in found if r[0] in {"ENQUEUED", "PENDING"}})


def objects_on_disk(library: Path) -> dict[str, str]:
    """Return the name of each object's file with the SHA-256 of its bytes."""
    found = {}
    for path in (library / "objects").rglob("*"):
        if path.is_file():
            found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def check_ready_once(record: Record, sent: dict[str, str]) -> None:
    """Hold the catalog to it: each track of `sent`, by its preset, is ready and became so once."""
    once = dict.fromkeys(sent, 1)
    assert set(record.state_of(sent).values()) == {"ready"}
    received, failed = record.times("track.received"), record.times("track.failed")
    assert {one: received[one] - failed[one] for one in sent} == once
    for found in (
        record.times("track.ready"),
        record.times("run.succeeded"),
        record.runs_that_ended("succeeded"),
    ):
        assert {one: found[one] for one in sent} == once
    names = record.names_of_renditions()
    wanted = {one: [r.name for r in PRESETS[preset].renditions] for one, preset in sent.items()}
    assert {one: names.get(one) for one in sent} == wanted
    assert record.is_at_rest(), (record.states(), record.open_workflows())
