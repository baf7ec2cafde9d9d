"""The steps of a run: validate -> store -> render (with verify) -> publish.

Each step may be called again after a crash, at any point of its last call. So its
effects on disk are idempotent (private directories, content-addressed objects) and
its effects in the catalog are one transaction at the end.
"""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from sarau.audio import Analysis, Engine, LoudnessCurve, Waveform, from_plain, to_plain
from sarau.catalog import (
    Database,
    events,
    groups,
    locks,
    objects,
    renditions,
    runs,
    sources,
    tracks,
    uploads,
)
from sarau.errors import (
    CancelledRunError,
    FailedCode,
    FailedError,
    RejectedCode,
    RejectedError,
)
from sarau.intake import Intake
from sarau.intake.clamd import Clamd
from sarau.library import ObjectRef, ObjectStore
from sarau.model.ids import RunId, new_id
from sarau.model.lifecycle import RunState, Stage, TrackState, UploadState
from sarau.model.track import Run, Source, Track
from sarau.pipeline.durable import DurableRuns
from sarau.pipeline.fan_out import FanOut
from sarau.pipeline.kept import save_analysis, to_rendition
from sarau.pipeline.likeness import find_alike
from sarau.pipeline.outcome import Plain
from sarau.pipeline.promotion import Promotion, referring_to, tie_to_twin
from sarau.pipeline.rendering import Rendering, Told

_REPORT_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps over the rooms they work in."""

    database: Database
    intake: Intake | None
    """None on a host that does not mount volume D."""
    library: ObjectStore
    engine: Engine
    durable: DurableRuns
    scanner: Clamd | None = None
    """Looks at every source before the engine opens it."""
    divide_from_s: float = 600.0
    """Tracks of at least so many seconds are rendered by several workers, where some are idle."""

    @property
    def promotion(self) -> Promotion:
        """Return the step that comes before all others where files are promoted first."""
        return Promotion(self.database, self.intake, self.library, self.durable)

    @property
    def rendering(self) -> Rendering:
        """Return what makes renditions."""
        return Rendering(self.database, self.library, self.engine)

    @property
    def fan_out(self) -> FanOut:
        """Return what divides that work among workers."""
        return FanOut(self.database, self.durable, self.divide_from_s)

    def validate(self, run_id: RunId) -> Plain:
        """Scan the source, decode the whole of it, measure it, and keep what was measured.

        Raises:
            RejectedError: The file's fault, with its code.
            FailedError: Ours.
            CancelledRunError: The run is no longer open.

        """
        run, track = self._enter(run_id, Stage.VALIDATE)
        analysis = self._examine(run, track)
        with self.database.write() as connection:
            # Another run may be storing the file: catalog/locks.py has the order.
            objects.lock(connection)
            locks.run(connection, run_id)
            _require_open(connection, run_id)
            # A person may have named it while it was examined.
            track = tracks.get(connection, track.id)
            stored = _stored(connection, track, settled=True)
            known = sources.find(connection, [track.id]).get(track.id)
            save_analysis(
                connection,
                run,
                track,
                analysis,
                size_bytes=_size(connection, track, known),
                object_sha256=known.object_sha256 if known else stored,
            )
            if known is None and stored is not None:
                tie_to_twin(connection, track, stored)
        if analysis.insight is not None and analysis.insight.fingerprint is not None:
            find_alike(self.database, track, analysis.insight.fingerprint)
        # What pictures are drawn from has its place in the catalog: a checkpoint needs no
        # second copy.
        slim = replace(
            analysis,
            waveform=Waveform(1, 1, 1, 8, b""),
            loudness_curve=LoudnessCurve(),
            insight=None,
        )
        return {"analysis": to_plain(slim)}

    def store(self, run_id: RunId) -> Plain:
        """Promote the source from D to E: copied, hashed, synced, named, then committed.

        Raises:
            FailedError: `disk_full`, `disk_error`, `source_damaged`, `source_missing`.
            CancelledRunError: The run is no longer open.

        """
        _, track = self._enter(run_id, Stage.STORE)
        with self.database.read() as connection:
            source = sources.find(connection, [track.id])[track.id]
            upload = uploads.of_track(connection, track.id)
        if upload is None or upload.state is not UploadState.RECEIVED:
            # This step was here before: the object is on E.
            return {"sha256": source.object_sha256}
        stored = self.promotion.move(upload, track)
        return {"sha256": stored.sha256}

    def render(self, run_id: RunId, analysis: Plain) -> Plain:
        """Render and verify all renditions, and make each an object of the library.

        Other workers make some of them where the track is long and they are idle.
        """
        run, track = self._enter(run_id, Stage.RENDER)
        measured = from_plain(Analysis, analysis)
        with self.database.read() as connection:
            preset = runs.preset_of(connection, run)
        is_divided = self.fan_out.divide(run, preset, measured, analysis)
        with self._source_file(track) as source:
            make = partial(self.rendering.make, source, measured, preset)
            show = self._shown(run_id)
            if is_divided:
                return {"renditions": self.fan_out.join(run, preset, make, show)}
            # A worker that lost the run may be at work on it still, on the same disk.
            return {"renditions": make(None, f"{run_id}.{new_id()}", show)}

    def render_group(self, run_id: RunId, number: int, analysis: Plain) -> Plain:
        """Make a group of renditions of a run that another worker has."""
        measured = from_plain(Analysis, analysis)
        with self.database.read() as connection:
            run = runs.get(connection, run_id)
            track = tracks.find(connection, run.track_id)
            preset = runs.preset_of(connection, run)
            if track is None or not runs.is_open(connection, run_id):
                raise CancelledRunError

        def make(names: Collection[str], work_name: str, told: Told) -> list[Plain]:
            with self._source_file(track) as source:
                return self.rendering.make(source, measured, preset, names, work_name, told)

        self.fan_out.help(run_id, number, make)
        return {}

    def publish(self, run_id: RunId, made: list[Plain]) -> Plain:
        """Show the renditions and make the track ready, in one transaction."""
        run, track = self._enter(run_id, Stage.PUBLISH)
        refs = [ObjectRef(one["sha256"], one["size_bytes"]) for one in made]
        with referring_to(self.database, self.library, refs) as connection:
            locks.run(connection, run_id)
            if not runs.finish(connection, run, RunState.SUCCEEDED):
                raise CancelledRunError
            renditions.replace_all(
                connection,
                track.id,
                [to_rendition(run, position, one) for position, one in enumerate(made)],
            )
            groups.remove(connection, run_id)
            tracks.change_state(connection, track, TrackState.READY)
        return {}

    def _examine(self, run: Run, track: Track) -> Analysis:
        was_on_intake = self._is_on_intake(track)
        try:
            return self._look_at(run, track)
        except FailedError:
            # A run that was cancelled may have been storing the file: then it is on E now.
            if not was_on_intake or self._is_on_intake(track):
                raise
        return self._look_at(run, track)

    def _look_at(self, run: Run, track: Track) -> Analysis:
        with self._source_file(track) as path:
            if self.scanner is not None:
                self._scan(self.scanner, run, path)
            return self.engine.analyse(path, insight=True, on_progress=self._reporter(run.id))

    def _is_on_intake(self, track: Track) -> bool:
        with self.database.read() as connection:
            upload = uploads.of_track(connection, track.id)
        return upload is not None and upload.state is UploadState.RECEIVED

    def _scan(self, scanner: Clamd, run: Run, path: Path) -> None:
        """Let the scanner look at a file and record what it said."""
        report = self._reporter(run.id)
        scan = scanner.scan(path, lambda: report(0.0))
        with self.database.write() as connection:
            events.record(
                connection,
                "track.scanned",
                owner_id=run.owner_id,
                track_id=run.track_id,
                run_id=run.id,
                data={"scanner": scan.scanner, "found": scan.found},
            )
        if scan.found is not None:
            raise RejectedError(RejectedCode.INFECTED, scan.found)

    def _enter(self, run_id: RunId, stage: Stage) -> tuple[Run, Track]:
        """Put the run into `stage`, and its track into `processing` at the first one."""
        with self.database.write() as connection:
            run = locks.run(connection, run_id)
            self._require_mine(connection, run_id)
            if not runs.enter(connection, run, stage, worker_id=self.durable.worker_id):
                raise CancelledRunError
            track = tracks.get(connection, run.track_id)
            if track.state is TrackState.RECEIVED:
                track = tracks.change_state(connection, track, TrackState.PROCESSING)
        return run, track

    def _require_mine(self, connection: sa.Connection, run_id: RunId) -> None:
        if not self.durable.has(connection, run_id):
            raise CancelledRunError

    def _reporter(self, run_id: RunId) -> Callable[[float], None]:
        """Return a callback that stores progress now and then and notices a cancelled run."""
        last = 0.0

        def report(fraction: float) -> None:
            nonlocal last
            if time.monotonic() - last < _REPORT_EVERY_S:
                return
            with self.database.write() as connection:
                self._require_mine(connection, run_id)
                if not runs.report(connection, run_id, fraction):
                    raise CancelledRunError
            last = time.monotonic()

        return report

    def _shown(self, run_id: RunId) -> Told:
        """Return a callback that puts the run where its rendering is."""
        report = self._reporter(run_id)
        current = Stage.RENDER

        def told(stage: Stage, fraction: float) -> None:
            nonlocal current
            if stage is not current:
                self._enter(run_id, stage)
                current = stage
            report(fraction)

        return told

    @contextmanager
    def _source_file(self, track: Track) -> Iterator[Path]:
        """Give the source's bytes as a local file, from the library or still from D."""
        with self.database.read() as connection:
            source = sources.find(connection, [track.id]).get(track.id)
            upload = uploads.of_track(connection, track.id)
            stored = source.object_sha256 if source else _stored(connection, track)
        if stored is not None:
            with self.library.local(stored) as path:
                yield path
            return
        if upload is None or upload.state is not UploadState.RECEIVED:
            raise FailedError(FailedCode.SOURCE_MISSING, f"track {track.id} has no bytes")
        if self.intake is None:
            raise FailedError(FailedCode.VOLUME_MISSING, "volume D is not mounted on this host")
        yield self.intake.path_of(upload)


def _require_open(connection: sa.Connection, run_id: RunId) -> None:
    if not runs.is_open(connection, run_id):
        raise CancelledRunError


def _stored(connection: sa.Connection, track: Track, *, settled: bool = False) -> str | None:
    """Return the object of a source that was promoted before it was examined."""
    upload = uploads.of_track(connection, track.id, settled=settled)
    is_stored = upload is not None and upload.state is UploadState.STORED
    return upload.sha256 if upload is not None and is_stored else None


def _size(connection: sa.Connection, track: Track, known: Source | None) -> int:
    if known is not None:
        return known.size_bytes
    upload = uploads.of_track(connection, track.id)
    return upload.offset_bytes if upload else 0
