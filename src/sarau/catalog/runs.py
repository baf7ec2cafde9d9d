"""Runs: one row for each durable execution of the pipeline on a track."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

import sqlalchemy as sa

from sarau.catalog import events, presets
from sarau.catalog._records import Records
from sarau.catalog.prepared import Prepared
from sarau.catalog.tables import UtcDateTime, runs, tracks, uploads
from sarau.errors import Code, RefusedCode, RefusedError
from sarau.model.clock import now
from sarau.model.ids import RunId, TrackId, new_id
from sarau.model.lifecycle import RunState, Stage, TrackState
from sarau.model.own_preset import read_preset, to_definition
from sarau.model.preset import Preset
from sarau.model.track import Run, Track

OPEN: Final = (RunState.QUEUED, RunState.RUNNING)
"""The states of runs that somebody works on, or will."""
Place = tuple[datetime | None, RunId]
"""Where a page of runs ended: a time of its last one, and its id."""
_FIELDS: Final = [field.name for field in fields(Run)]
_ADD: Final = Prepared(sa.insert(runs), _FIELDS)
_row: Final = attrgetter(*_FIELDS)
_ROWS: Final = Records(runs, Run, state=RunState, stage=lambda stage: stage and Stage(stage))
_ATTEMPTS: Final = (
    sa.select(runs.c.track_id, sa.func.count())
    .where(runs.c.track_id.in_(sa.bindparam("among", expanding=True)))
    .group_by(runs.c.track_id)
)


def create(
    connection: sa.Connection,
    turns: Sequence[tuple[Track, int]],
    *,
    definition: dict[str, Any] | None = None,
) -> list[Run]:
    """Insert queued runs, each one attempt after its track's last.

    Args:
        connection: The caller's transaction.
        turns: Of which tracks, each with the turn of its run.
        definition: Their preset, where the work is done already; otherwise it is what each
            track's preset is now.

    """
    before = connection.execute(_ATTEMPTS, {"among": [track.id for track, _ in turns]})
    made_before = {TrackId(row[0]): int(row[1]) for row in before}
    moment = now()
    definitions = {
        key: definition or to_definition(presets.find(connection, *key, also_deleted=True))
        for key in {(track.owner_id, track.preset) for track, _ in turns}
    }
    made = [
        Run(
            id=RunId(new_id()),
            owner_id=track.owner_id,
            track_id=track.id,
            preset=track.preset,
            definition=definitions[track.owner_id, track.preset],
            attempt=made_before.get(track.id, 0) + 1,
            state=RunState.QUEUED,
            stage=None,
            progress=0.0,
            progress_at=None,
            turn=turn,
            worker_id=None,
            code=None,
            detail=None,
            created_at=moment,
            started_at=None,
            finished_at=None,
        )
        for track, turn in turns
    ]
    _ADD.run(connection, map(_row, made))
    return made


def get(connection: sa.Connection, run_id: RunId) -> Run:
    """Return a run.

    Raises:
        RefusedError: `not_found`.

    """
    row = connection.execute(sa.select(*_ROWS.columns).where(runs.c.id == run_id)).one_or_none()
    if row is None:
        raise RefusedError(RefusedCode.NOT_FOUND, f"no run {run_id!r}")
    return _ROWS.read(row)


def preset_of(connection: sa.Connection, run: Run) -> Preset:
    """Return the preset of a run as it was when the run was queued."""
    if run.definition is not None:
        return read_preset(run.definition)
    return presets.find(connection, run.owner_id, run.preset, also_deleted=True)


def of_tracks(connection: sa.Connection, run_ids: Sequence[RunId]) -> dict[TrackId, Run]:
    """Return the given runs by their tracks."""
    return {run.track_id: run for run in _ROWS.of(connection, runs.c.id, run_ids)}


def origin(connection: sa.Connection, run_id: RunId) -> tuple[TrackId | None, str | None]:
    """Return a run's track, and the id of the request that brought it."""
    query = (
        sa.select(runs.c.track_id, uploads.c.request_id)
        .outerjoin(uploads, uploads.c.track_id == runs.c.track_id)
        .where(runs.c.id == run_id)
    )
    row = connection.execute(query).first()
    return (None, None) if row is None else (row.track_id, row.request_id)


def enter(
    connection: sa.Connection, run: Run, stage: Stage, *, worker_id: str | None = None
) -> bool:
    """Put an open run into `stage` and record it; False when the run is no longer open.

    Entering the stage it is in already, as after a crash, records nothing again.
    """
    started = run.started_at or now()
    row = connection.execute(
        sa.update(runs)
        .where(runs.c.id == run.id, runs.c.state.in_(OPEN))
        .values(
            state=RunState.RUNNING,
            stage=stage,
            progress=0.0,
            progress_at=now(),
            started_at=started,
            worker_id=worker_id,
        )
    )
    if row.rowcount == 1 and run.stage != stage:
        events.record(
            connection,
            "run.stage",
            owner_id=run.owner_id,
            track_id=run.track_id,
            run_id=run.id,
            data={"stage": stage},
        )
    return row.rowcount == 1


def report(connection: sa.Connection, run_id: RunId, progress: float) -> bool:
    """Store the progress within the stage; False when the run is no longer running."""
    row = connection.execute(
        sa.update(runs)
        .where(runs.c.id == run_id, runs.c.state == RunState.RUNNING)
        .values(progress=progress, progress_at=now())
    )
    return row.rowcount == 1


def is_open(connection: sa.Connection, run_id: RunId) -> bool:
    """Tell whether a run is queued or running."""
    query = sa.select(runs.c.id).where(runs.c.id == run_id, runs.c.state.in_(OPEN))
    return connection.execute(query).first() is not None


def is_over(connection: sa.Connection, run_id: RunId, *, before: datetime) -> bool:
    """Tell whether a run ended before a time, or never was."""
    needed = sa.or_(runs.c.state.in_(OPEN), runs.c.finished_at >= before)
    query = sa.select(runs.c.id).where(runs.c.id == run_id, needed)
    return connection.execute(query).first() is None


def finish(
    connection: sa.Connection,
    run: Run,
    state: RunState,
    *,
    code: Code | None = None,
    detail: str | None = None,
) -> bool:
    """Close an open run as `state` and record `run.<state>`; False when it was closed before."""
    row = connection.execute(
        sa.update(runs)
        .where(runs.c.id == run.id, runs.c.state.in_(OPEN))
        .values(state=state, code=code, detail=detail, finished_at=now())
    )
    if row.rowcount == 0:
        return False
    why = {"code": str(code), "detail": detail} if code else {}
    events.record(
        connection,
        f"run.{state}",
        owner_id=run.owner_id,
        track_id=run.track_id,
        run_id=run.id,
        data={"attempt": run.attempt, **why},
    )
    return True


def open_since(
    connection: sa.Connection,
    state: RunState,
    moment: datetime,
    *,
    after: Place | None = None,
    limit: int = 200,
) -> list[Run]:
    """Return runs in an open `state` created before `moment`, oldest first, a page at a time.

    Those that were queued in one transaction have one time: a page may end among them.
    """
    query = sa.select(*_ROWS.columns).where(runs.c.state == state, runs.c.created_at < moment)
    return _page(connection, query, runs.c.created_at, after, limit)


def _page(
    connection: sa.Connection,
    query: sa.Select[Any],
    at: sa.Column[datetime],
    after: Place | None,
    limit: int,
) -> list[Run]:
    if after is not None:
        query = query.where(sa.tuple_(at, runs.c.id) > after)
    query = query.order_by(at, runs.c.id).limit(limit)
    return [_ROWS.read(row) for row in connection.execute(query)]


def moving(connection: sa.Connection, moment: datetime) -> list[Run]:
    """Return running runs whose progress was reported after `moment`."""
    query = sa.select(*_ROWS.columns).where(
        runs.c.state == RunState.RUNNING, runs.c.progress_at > moment
    )
    return [_ROWS.read(row) for row in connection.execute(query)]


def failed_with(
    connection: sa.Connection,
    codes: Sequence[Code],
    *,
    due: Sequence[datetime],
    max_attempt: int | None,
    after: Place | None = None,
    limit: int = 100,
) -> list[Run]:
    """Return failed runs that are due to be tried again, those that ended first first.

    Only the newest run of a track that is failed counts.

    Args:
        connection: In whose transaction.
        codes: With which they failed.
        due: When the first attempt must have ended for it, and the second, and so on; what
            is said of the last holds for all after it.
        max_attempt: Who tried more often is left alone; None: nobody.
        after: Where the last page ended, in the order of their ends.
        limit: Of the page.

    """
    ends = {attempt: sa.literal(end, UtcDateTime) for attempt, end in enumerate(due, 1)}
    query = (
        sa.select(*_ROWS.columns)
        .join(tracks, tracks.c.run_id == runs.c.id)
        .where(
            # As the partial index has it; a parameter would not be taken for it.
            tracks.c.state == sa.literal_column(f"'{TrackState.FAILED}'"),
            tracks.c.code.in_(codes),
            runs.c.state == RunState.FAILED,
            runs.c.finished_at <= sa.case(ends, value=runs.c.attempt, else_=ends[len(due)]),
        )
    )
    if max_attempt is not None:
        query = query.where(runs.c.attempt <= max_attempt)
    return _page(connection, query, runs.c.finished_at, after, limit)
