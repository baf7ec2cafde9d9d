"""The pipeline as the rest of Sarau sees it: start, cancel, retry, delete; and its workflow."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sa

from sarau.catalog import Database, groups, locks, runs, sources, tracks, uploads
from sarau.catalog.turns import next_turns
from sarau.errors import Code, FailedCode, RefusedCode, RefusedError
from sarau.intake import Intake
from sarau.model.ids import RunId, TrackId, UserId
from sarau.model.lifecycle import RunState, TrackState, UploadState
from sarau.model.track import Track
from sarau.observe.context import bind
from sarau.observe.work import stage
from sarau.pipeline.durable import DurableRuns
from sarau.pipeline.outcome import Outcome, Plain, attempt, from_plain
from sarau.pipeline.promotion import Promotion
from sarau.pipeline.steps import Steps

_AT_WORK = frozenset({TrackState.RECEIVED, TrackState.PROCESSING})
"""The states in which a track has an open run."""


def start_run(
    durable: DurableRuns,
    connection: sa.Connection,
    track: Track,
    *,
    is_bulk: bool | None = None,
    is_stored: bool = False,
) -> Track:
    """Queue a run for a track that is `received`, in the caller's transaction.

    Args:
        durable: The queues.
        connection: The caller's transaction.
        track: Whose bytes are all there.
        is_bulk: Whether others go first; None: when its file came from a folder.
        is_stored: Its source is in the library already.

    """
    return start_runs(durable, connection, [track], is_bulk=is_bulk, is_stored=is_stored)[0]


def start_runs(
    durable: DurableRuns,
    connection: sa.Connection,
    received: Sequence[Track],
    *,
    is_bulk: bool | None = None,
    is_stored: bool = False,
) -> list[Track]:
    """Do what `start_run` does for several tracks, with few statements."""
    turns: list[tuple[Track, int]] = []
    for owner_id in dict.fromkeys(track.owner_id for track in received):
        own = [track for track in received if track.owner_id == owner_id]
        ids = [track.id for track in own]
        turns += zip(own, next_turns(connection, owner_id, ids, is_bulk=is_bulk), strict=True)
    run_ids = [run.id for run in runs.create(connection, turns)]
    queued = [(run_id, turn) for run_id, (_, turn) in zip(run_ids, turns, strict=True)]
    durable.enqueue_all(connection, queued, route=durable.route(connection, is_stored=is_stored))
    newest = [(track, run_id) for run_id, (track, _) in zip(run_ids, turns, strict=True)]
    return tracks.point_to_runs(connection, newest)


class Pipeline:
    """Starts and ends runs. Works on them too, after `work` was called."""

    def __init__(self, database: Database, intake: Intake | None, durable: DurableRuns) -> None:
        self._database = database
        self._intake = intake
        self._durable = durable

    def retry(self, track_id: TrackId, owner_id: UserId, *, is_bulk: bool = False) -> Track:
        """Start a new run of a track that failed or was cancelled.

        Somebody who asks for it waits for it; what begins again by itself is `is_bulk`.

        Raises:
            RefusedError: `wrong_state`, also when its bytes are no longer there.

        """
        with self._database.write() as connection:
            locks.track(connection, track_id)
            track = tracks.get(connection, track_id, owner_id=owner_id)
            if not _has_bytes(connection, track):
                raise RefusedError(
                    RefusedCode.WRONG_STATE, "its bytes were let go: it must be sent again"
                )
            track = tracks.change_state(connection, track, TrackState.RECEIVED)
            is_stored = not _is_on_intake(connection, track)
            return start_run(self._durable, connection, track, is_bulk=is_bulk, is_stored=is_stored)

    def begin_again(self, run_id: RunId) -> bool:
        """Queue an open run anew that no living worker may take.

        Every process looks for such runs, in lists that are a moment old: whether it is
        still so is asked again with the run locked. False when it is not, or when no
        living worker could take it now.
        """
        with self._database.write() as connection:
            run = locks.run(connection, run_id)
            track = tracks.find(connection, run.track_id)
            if track is None:
                # Older versions could delete a track and leave its run open.
                runs.finish(connection, run, RunState.CANCELLED)
                return False
            if not runs.is_open(connection, run_id):
                return False
            is_stored = not _is_on_intake(connection, track)
            route = self._durable.route(connection, is_stored=is_stored)
            if not self._durable.is_served(route):
                return False
            if not self._durable.withdraw_stranded(connection, run_id):
                return False
            groups.remove(connection, run_id)
            self._durable.enqueue(connection, run_id, route=route, turn=run.turn)
        return True

    def cancel(self, track_id: TrackId, owner_id: UserId) -> Track:
        """Cancel the open run of a track; its bytes stay, so that it can be retried.

        Raises:
            RefusedError: `wrong_state`, when there is nothing to cancel.

        """
        with self._database.write() as connection:
            locks.track(connection, track_id)
            track = tracks.get(connection, track_id, owner_id=owner_id)
            if track.state not in _AT_WORK:
                raise RefusedError(RefusedCode.WRONG_STATE, f"the track is {track.state}")
            track = _cancel(connection, track)
        self._break_off(track)
        return track

    def delete(self, track_id: TrackId, owner_id: UserId) -> None:
        """Delete a track in whatever state; what is at work or being sent is ended first.

        Its open run ends in the same transaction: somebody may try it again, or it may end by
        itself, at any moment before, and a run that outlived its track would have no end.
        The record stays. The bytes go when the caretaker has let them rest for a day.
        """
        with self._database.read() as connection:
            track = tracks.get(connection, track_id, owner_id=owner_id)
            upload = uploads.of_track(connection, track_id)
        if track.state is TrackState.RECEIVING and upload is not None and self._intake is not None:
            # Where the last of it came meanwhile, it is a track like any other by now.
            with suppress(RefusedError):
                self._intake.terminate(upload.id, owner_id)
        with self._database.write() as connection:
            locks.track(connection, track_id)
            track = tracks.get(connection, track_id, owner_id=owner_id)
            was_at_work = track.state in _AT_WORK
            if was_at_work:
                track = _cancel(connection, track)
            tracks.change_state(connection, track, TrackState.DELETED)
        if was_at_work:
            self._break_off(track)

    def _break_off(self, track: Track) -> None:
        """Keep workers from a run that was cancelled; they find out by themselves, but later."""
        if track.run_id is not None:
            self._durable.cancel(track.run_id)

    def work(self, steps: Steps, *, concurrency: int) -> None:
        """Take runs from the queues until the process ends."""
        workflow = _Workflow(steps)
        self._durable.launch(
            workflow.run,
            [
                workflow.validate,
                workflow.store,
                workflow.render,
                workflow.render_group,
                workflow.publish,
                workflow.promote,
                workflow.end,
            ],
            concurrency=concurrency,
            promote=workflow.run_promotion,
            group=workflow.run_group,
            reads_intake=steps.intake is not None,
            break_off=steps.engine.close,
        )

    def only_promote(self, promotion: Promotion) -> None:
        """Take only files to be promoted, on the host of volume D, until the process ends."""
        workflow = _Promoting(promotion)
        self._durable.launch(
            workflow.run_promotion,
            [workflow.promote, workflow.end],
            concurrency=0,
            promote=workflow.run_promotion,
        )


class _Promoting:
    """The durable program that brings a received file into the library."""

    def __init__(self, promotion: Promotion) -> None:
        self._promotion = promotion

    def run_promotion(self, run_id: RunId, durable: dict[str, Callable[..., Plain]]) -> None:
        """Promote; the same transaction queues the run for every worker."""
        outcome = from_plain(durable["promote"](run_id))
        if outcome.kind in {"rejected", "failed"}:
            durable["end"](run_id, outcome.to_plain())

    def promote(self, run_id: str) -> Plain:
        return self._attempt(run_id, "promote", self._promotion.promote)

    def end(self, run_id: str, outcome: Plain) -> Plain:
        """Close the run; also after a database that was away for a moment."""
        ended = from_plain(outcome)

        def work() -> Plain:
            if ended.kind == "rejected":
                reject(self._promotion.database, self._promotion.intake, RunId(run_id), ended)
            else:
                code = ended.code or FailedCode.INTERNAL
                fail(self._promotion.database, RunId(run_id), code, ended.detail)
            return {}

        return attempt(work).to_plain()

    def _attempt(self, run_id: str, name: str, step: Callable[[RunId], Plain]) -> Plain:
        """Try a step that is one stage; rendering times its own."""

        def work() -> Plain:
            with self._told(run_id), stage(name):
                return step(RunId(run_id))

        return attempt(work).to_plain()

    @contextmanager
    def _told(self, run_id: str) -> Iterator[None]:
        """Say in every log line whose run this is, and which request began it."""
        with self._promotion.database.read() as connection:
            track_id, request_id = runs.origin(connection, RunId(run_id))
        with bind(run_id=run_id, track_id=track_id, request_id=request_id):
            yield


class _Workflow(_Promoting):
    """The durable program of one run: every call of a step is a checkpoint."""

    def __init__(self, steps: Steps) -> None:
        super().__init__(steps.promotion)
        self._steps = steps

    def run(self, run_id: RunId, durable: dict[str, Callable[..., Plain]]) -> None:
        """Go through the steps until one does not end as `done`."""

        def call(name: str, *arguments: Any) -> Outcome:  # noqa: ANN401 - JSON values
            return from_plain(durable[name](run_id, *arguments))

        validated = call("validate")
        outcome = validated
        if outcome.kind == "done":
            outcome = call("store")
        if outcome.kind == "done":
            outcome = call("render", validated.value["analysis"])
        if outcome.kind == "done":
            outcome = call("publish", outcome.value["renditions"])
        if outcome.kind in {"rejected", "failed"}:
            durable["end"](run_id, outcome.to_plain())

    def run_group(
        self,
        run_id: RunId,
        durable: dict[str, Callable[..., Plain]],
        number: int,
        analysis: Plain,
    ) -> None:
        """Help another worker with one group; whether that came off is its concern."""
        durable["render_group"](run_id, number, analysis)

    def validate(self, run_id: str) -> Plain:
        return self._attempt(run_id, "validate", self._steps.validate)

    def store(self, run_id: str) -> Plain:
        return self._attempt(run_id, "store", self._steps.store)

    def render(self, run_id: str, analysis: Plain) -> Plain:
        def work() -> Plain:
            with self._told(run_id):
                return self._steps.render(RunId(run_id), analysis)

        return attempt(work).to_plain()

    def render_group(self, run_id: str, number: int, analysis: Plain) -> Plain:
        def work() -> Plain:
            with self._told(run_id):
                return self._steps.render_group(RunId(run_id), number, analysis)

        return attempt(work).to_plain()

    def publish(self, run_id: str, made: list[Plain]) -> Plain:
        return self._attempt(run_id, "publish", lambda one: self._steps.publish(one, made))


def reject(database: Database, intake: Intake | None, run_id: RunId, why: Outcome) -> None:
    """Close a run and its track as rejected, and let go of its bytes on D and E.

    Of a track that is deleted only the run is closed: the caretaker lets go of its bytes.
    """
    with database.write() as connection:
        run = locks.run(connection, run_id)
        if not runs.finish(connection, run, RunState.REJECTED, code=why.code, detail=why.detail):
            return
        track = tracks.find(connection, run.track_id)
        if track is None:
            return
        tracks.change_state(
            connection, track, TrackState.REJECTED, code=why.code, detail=why.detail
        )
        sources.let_go(connection, track.id)
        upload = uploads.of_track(connection, track.id)
        if upload is not None and upload.state in {UploadState.RECEIVED, UploadState.STORED}:
            uploads.let_go(connection, upload, UploadState.DISCARDED, "discarded", code=why.code)
    if upload is not None and intake is not None:
        intake.remove_file(upload.id)


def fail(database: Database, run_id: RunId, code: Code, detail: str | None) -> None:
    """Close a run and its track, unless that is deleted, as failed; the bytes stay for a retry."""
    with database.write() as connection:
        run = locks.run(connection, run_id)
        if not runs.finish(connection, run, RunState.FAILED, code=code, detail=detail):
            return
        track = tracks.find(connection, run.track_id)
        if track is not None:
            tracks.change_state(connection, track, TrackState.FAILED, code=code, detail=detail)


def _cancel(connection: sa.Connection, track: Track) -> Track:
    """Close a track that is at work, and its run; the caller has locked it."""
    track = tracks.change_state(connection, track, TrackState.CANCELLED)
    if track.run_id is not None:
        runs.finish(connection, runs.get(connection, track.run_id), RunState.CANCELLED)
    return track


def _is_on_intake(connection: sa.Connection, track: Track) -> bool:
    upload = uploads.of_track(connection, track.id)
    return upload is not None and upload.state is UploadState.RECEIVED


def _has_bytes(connection: sa.Connection, track: Track) -> bool:
    upload = uploads.of_track(connection, track.id)
    if upload is not None and upload.state in {UploadState.RECEIVED, UploadState.STORED}:
        return True
    source = sources.find(connection, [track.id]).get(track.id)
    return source is not None and source.object_sha256 is not None
