"""What the function made, as rows of the catalog: each landing once, whatever its messages do.

A report is taken in one transaction whose first row is the landing's. A second message,
another process and a late event of the dead queue all find it there.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import sqlalchemy as sa

from sarau.audio import Analysis, from_plain
from sarau.catalog import Database, landings, locks, objects, renditions, runs, tracks, uploads
from sarau.catalog.turns import next_turns
from sarau.errors import Code, FailedCode, FailedError, RefusedCode, RejectedCode
from sarau.intake.naming import clean_filename, title_of
from sarau.landing import Documents
from sarau.library import ObjectRef, S3Library
from sarau.model.clock import now
from sarau.model.ids import LOCAL_USER_ID, TrackId, UploadId, new_id
from sarau.model.landing import (
    Landing,
    LandingId,
    Outcome,
    Report,
    Stored,
    Trouble,
    read_event,
    read_report,
)
from sarau.model.lifecycle import RunState, Stage, TrackState, UploadState
from sarau.model.own_preset import MAX_NAME
from sarau.model.track import Track
from sarau.model.upload import Upload
from sarau.pipeline.kept import save_analysis, to_rendition
from sarau.pipeline.landing_spans import tell
from sarau.pipeline.likeness import find_alike
from sarau.pipeline.promotion import referring_to, tie_to_twin

_logger = logging.getLogger(__name__)


class _TakenError(Exception):
    """Another process has just taken the landing; what was begun here is rolled back."""


class Landings:
    """Takes reports, and gives up what has none. Thread-safe."""

    def __init__(
        self, database: Database, library: S3Library, documents: Documents, *, preset: str
    ) -> None:
        self._database = database
        self._library = library
        self._documents = documents
        self._preset = preset

    def take(self, landing_id: LandingId) -> None:
        """Bring a landing's report into the catalog, unless it is there.

        Raises:
            FailedError: `database_unavailable`, those of the library: it has to come again.
            ValueError: The report cannot be read here; it stays where it is.

        """
        text = self._documents.report(landing_id)
        if text is None:
            # Its lifecycle has ended it, so it was taken long ago. What says that it is open
            # was written after it, and would come again and again.
            _logger.warning("landing %s has no report", landing_id)
            self._documents.settle(landing_id)
            return
        report = read_report(text)
        if report.library_id != self._library.id:
            raise ValueError(f"a report of library {report.library_id}, not {self._library.id}")
        try:
            self._take(report)
        except _TakenError:
            # The dead queue may have been faster, and has shown it as failed.
            self._take(report)
        self._record(report.stored)
        if report.outcome == Outcome.READY:
            self._compare(report)
        self._documents.settle(landing_id)

    def _compare(self, report: Report) -> None:
        """Look for tracks that are the same recording; again where a crash left it open."""
        insight = from_plain(Analysis, report.analysis).insight
        with self._database.read() as connection:
            upload = landings.find(connection, report.landing.id)
            track = tracks.find(connection, upload.track_id) if upload and upload.track_id else None
        if track is not None and insight is not None and insight.fingerprint is not None:
            find_alike(self._database, track, insight.fingerprint)

    def _record(self, stored: Sequence[Stored]) -> None:
        """Let the collector know of objects that no track needs; what is gone is no loss."""
        with self._database.read() as connection:
            unknown = [one for one in stored if not objects.is_recorded(connection, one.sha256)]
        for one in unknown:
            ref = ObjectRef(one.sha256, one.size_bytes)
            try:
                with referring_to(self._database, self._library, [ref]):
                    pass
            except FailedError as error:
                if error.code is not FailedCode.OBJECT_MISSING:
                    raise

    def take_open(self, *, limit: int, after: str = "") -> str:
        """Take a page of reports whose messages were lost; one cannot stop the others.

        Args:
            limit: The most that are looked at.
            after: What this returned for the page before. What cannot be taken stays, and
                pages that are full of it must not hide the next one.

        Raises:
            FailedError: As `take`.

        """
        ids, last = self._documents.open_ids(limit=limit, after=after)
        for landing_id in ids:
            try:
                self.take(landing_id)
            except FailedError:
                raise
            except ValueError as error:
                _logger.error("landing %s stays open: %s", landing_id, error)  # noqa: TRY400 - said
            except Exception:
                _logger.exception("landing %s stays open", landing_id)
        return last

    def give_up(self, event: str) -> None:
        """Show as failed what an event of the dead queue is about, where it has no report.

        Raises:
            FailedError: As `take`.
            ValueError: It is no S3 event.

        """
        for landing in read_event(event):
            if self._documents.report(landing.id) is not None:
                self.take(landing.id)
                continue
            trouble = self._documents.trouble(landing.id)
            code, detail = _reason(trouble)
            with suppress(_TakenError), self._database.write() as connection:
                if landings.find(connection, landing.id) is None:
                    upload, track = self._begin(connection, landing, self._preset)
                    self._end(connection, upload, track, TrackState.FAILED, code, detail)
            if trouble is not None:
                self._record(trouble.stored)

    def _take(self, report: Report) -> None:
        refs = _refs(report)
        try:
            with referring_to(self._database, self._library, refs) as connection:
                track = self._write(connection, report)
        except FailedError as error:
            if error.code is not FailedCode.OBJECT_MISSING:
                raise
            # What the function stored was collected meanwhile; nothing is shown that is not there.
            lost = replace(
                report,
                outcome=Outcome.FAILED,
                source_sha256=None,
                code=str(error.code),
                detail=error.detail,
            )
            with self._database.write() as connection:
                track = self._write(connection, lost)
        if track is not None:
            tell(report, track)

    def _write(self, connection: sa.Connection, report: Report) -> Track | None:
        """Write what a report says and return the track; None when that is known already."""
        is_ready = report.outcome == Outcome.READY
        upload = landings.find(connection, report.landing.id)
        if upload is None:
            upload, track = self._begin(connection, report.landing, report.preset, report)
        else:
            found = _locked(connection, upload)
            given_up = found is not None and found.state is TrackState.FAILED
            if found is None or not is_ready or not given_up or upload.state is UploadState.STORED:
                return None
            # The dead queue was faster than a report that came after all.
            track = tracks.change_state(connection, found, TrackState.RECEIVED)
        if is_ready:
            return self._publish(connection, report, upload, track)
        code, state = _code(report.code or ""), TrackState(report.outcome)
        return self._end(
            connection, upload, track, state, code, report.detail, report.source_sha256
        )

    def _begin(
        self, connection: sa.Connection, landing: Landing, preset: str, report: Report | None = None
    ) -> tuple[Upload, Track]:
        """Make the upload and the track of a landing, as if somebody had sent it."""
        moment = now()
        # A name that is no preset's may be of any length.
        preset = preset[:MAX_NAME]
        filename = clean_filename(landing.key)
        size_bytes = report.source_size_bytes if report else landing.size_bytes
        track_id = TrackId(new_id())
        upload = Upload(
            id=UploadId(new_id()),
            owner_id=LOCAL_USER_ID,
            track_id=track_id,
            filename=filename,
            preset=preset,
            metadata_header=None,
            size_bytes=size_bytes,
            offset_bytes=0,
            sha256=None,
            state=UploadState.RECEIVING,
            concat=None,
            created_at=moment,
            updated_at=moment,
            expires_at=moment,
            request_id=report.maker.request_id if report else None,
        )
        track = tracks.create(
            connection,
            track_id,
            owner_id=upload.owner_id,
            filename=filename,
            title=title_of(filename),
            preset=preset,
            upload_id=upload.id,
        )
        uploads.create(connection, upload)
        if not landings.add(connection, landing, upload):
            raise _TakenError(landing.id)
        landings.record(connection, landing, upload, _worked(report) if report else {})
        sha256 = report.source_sha256 if report else None
        received = uploads.receive(connection, upload, sha256=sha256, expires_at=moment)
        track = tracks.change_state(connection, track, TrackState.RECEIVED, upload_id=upload.id)
        return received, track

    @staticmethod
    def _publish(connection: sa.Connection, report: Report, upload: Upload, track: Track) -> Track:
        sha256 = report.source_sha256
        tie_to_twin(connection, track, sha256 or "")
        uploads.let_go(connection, upload, UploadState.STORED, "stored", sha256=sha256)
        (turn,) = next_turns(connection, track.owner_id, [track.id])
        (run,) = runs.create(connection, [(track, turn)], definition=report.definition)
        (track,) = tracks.point_to_runs(connection, [(track, run.id)])
        runs.enter(connection, run, Stage.PUBLISH, worker_id=report.maker.name)
        track = tracks.change_state(connection, track, TrackState.PROCESSING)
        save_analysis(
            connection,
            run,
            track,
            from_plain(Analysis, report.analysis),
            size_bytes=report.source_size_bytes,
            object_sha256=sha256,
        )
        runs.finish(connection, run, RunState.SUCCEEDED)
        made = [
            {"rendered": one.rendered, "sha256": one.sha256, "size_bytes": one.size_bytes}
            for one in report.renditions
        ]
        rows = [to_rendition(run, position, one) for position, one in enumerate(made)]
        renditions.replace_all(connection, track.id, rows)
        return tracks.change_state(connection, track, TrackState.READY)

    @staticmethod
    def _end(
        connection: sa.Connection,
        upload: Upload,
        track: Track,
        state: TrackState,
        code: Code,
        detail: str | None,
        stored_sha256: str | None = None,
    ) -> Track:
        """Close a track; with its source in the library a worker can be asked to try again."""
        if stored_sha256 is not None and state is TrackState.FAILED:
            uploads.let_go(connection, upload, UploadState.STORED, "stored", sha256=stored_sha256)
        else:
            uploads.let_go(connection, upload, UploadState.DISCARDED, "discarded", code=code)
        if state is TrackState.REJECTED:
            track = tracks.change_state(connection, track, TrackState.PROCESSING)
        return tracks.change_state(connection, track, state, code=code, detail=detail)


def _reason(trouble: Trouble | None) -> tuple[Code, str]:
    if trouble is None:
        return FailedCode.FUNCTION_ENDED, "the function ended without a word"
    with suppress(ValueError):
        return FailedCode(trouble.code), f"attempt {trouble.attempt}: {trouble.detail}"
    return FailedCode.INTERNAL, trouble.detail


def _locked(connection: sa.Connection, upload: Upload) -> Track | None:
    """Return the track of a landing that is known, which nobody changes until the end."""
    if upload.track_id is None:
        return None
    locks.track(connection, upload.track_id)
    return tracks.find(connection, upload.track_id)


def _refs(report: Report) -> Sequence[ObjectRef]:
    """Return the objects that the catalog is about to refer to."""
    if report.outcome == Outcome.REJECTED or report.source_sha256 is None:
        return []
    source = ObjectRef(report.source_sha256, report.source_size_bytes)
    made = [ObjectRef(one.sha256, one.size_bytes) for one in report.renditions]
    # Renditions of what failed afterwards are shown nowhere.
    return [source, *made] if report.outcome == Outcome.READY else [source]


def _code(text: str) -> Code:
    for kind in (RejectedCode, FailedCode, RefusedCode):
        with suppress(ValueError):
            return kind(text)
    return FailedCode.INTERNAL


def _worked(report: Report) -> dict[str, object]:
    """Say who did the work, for the track's history."""
    maker = report.maker
    return {
        "function": maker.name,
        "request_id": maker.request_id,
        "version": maker.version,
        "sandbox": maker.sandbox,
        "duration_s": round(report.duration_s, 3),
    }
