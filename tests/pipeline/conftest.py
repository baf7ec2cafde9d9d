"""The rooms a run goes through, real ones, in this process and without a worker."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sarau.audio import Analysis, Engine, SandboxMode
from sarau.catalog import Database, runs, tracks
from sarau.intake import Description, Intake
from sarau.library import DiskLibrary
from sarau.library.presence import Presence
from sarau.model.ids import LOCAL_USER_ID, RunId, TrackId
from sarau.model.track import Run, Track
from sarau.pipeline import Caretaker, DurableRuns, Pipeline, start_runs
from sarau.pipeline.steps import Steps
from sarau.storage import Volume


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with Engine(sandbox=SandboxMode.BEST_EFFORT) as found:
        yield found


class LateEngine:
    """The engine, before which something happens."""

    def __init__(self, engine: Engine, before: Callable[[], None]) -> None:
        self._engine, self._before = engine, before

    def analyse(self, path: Path, **options: Any) -> Analysis:
        self._before()
        return self._engine.analyse(path, **options)


@dataclass(frozen=True)
class Rooms:
    database: Database
    intake: Intake
    library: DiskLibrary
    durable: DurableRuns
    pipeline: Pipeline
    caretaker: Caretaker
    steps: Steps

    def receive(self, path: Path, *, preset: str = "archive") -> RunId:
        """Take a file in and return the run that was queued for it."""
        data = path.read_bytes()
        upload = self.intake.create(
            owner_id=LOCAL_USER_ID,
            description=Description(filename=path.name, preset=preset),
            size_bytes=len(data),
        )
        appender = self.intake.append(upload.id, LOCAL_USER_ID)
        try:
            appender.write(data)
            appender.finish()
        finally:
            appender.close()
        assert upload.track_id
        run_id = self.track(upload.track_id).run_id
        assert run_id
        return run_id

    def track(self, track_id: TrackId) -> Track:
        with self.database.read() as connection:
            return tracks.get(connection, track_id)

    def run(self, run_id: RunId) -> Run:
        with self.database.read() as connection:
            return runs.get(connection, run_id)

    def objects(self) -> set[str]:
        return {p.name for p in self.library.volume.path("objects").rglob("*") if p.is_file()}

    def go_through(self, run_id: RunId) -> Track:
        """Call every step once."""
        analysis = self.steps.validate(run_id)["analysis"]
        self.steps.store(run_id)
        made = self.steps.render(run_id, analysis)["renditions"]
        self.steps.publish(run_id, made)
        return self.track(self.run(run_id).track_id)


@pytest.fixture
def rooms(database: Database, engine: Engine, tmp_path: Path) -> Iterator[Rooms]:
    durable = DurableRuns(database)
    library = DiskLibrary(Volume.open(tmp_path / "e", "library", reserve_bytes=0))
    intake = Intake(
        database,
        Volume.open(tmp_path / "d", "intake", reserve_bytes=0),
        max_upload_bytes=1 << 30,
        expiry_s=3600,
        on_received=lambda connection, received: (
            start_runs(durable, connection, [track for _, track in received]) and None
        ),
        has_object=Presence(library, wait_s=60.0).has,
    )
    pipeline = Pipeline(database, intake, durable)
    yield Rooms(
        database,
        intake,
        library,
        durable,
        pipeline,
        Caretaker(database, intake, library, pipeline, durable),
        Steps(database, intake, library, engine, durable),
    )
    intake.close()
    durable.close()
