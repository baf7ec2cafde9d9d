"""The work on one landing: fetch, analyse, store, render, verify, report.

The same engine and the same library as everywhere; what the catalog would have kept
between the steps is the report.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

from sarau.audio import Analysis, Engine, to_plain
from sarau.errors import (
    Code,
    FailedCode,
    FailedError,
    RefusedCode,
    RefusedError,
    RejectedError,
)
from sarau.function.choice import Choice, Terms
from sarau.function.deadline import Deadline
from sarau.function.stages import Stages
from sarau.landing import PublishedPresets
from sarau.library import ObjectRef, S3Library
from sarau.library.bucket import Bucket, Head
from sarau.model.landing import Landing, Made, Maker, Outcome, Report, Stored
from sarau.model.own_preset import to_definition
from sarau.model.preset import Preset
from sarau.storage import durable

_FINAL: Final = frozenset(
    {FailedCode.FUNCTION_LIMIT, FailedCode.SOURCE_MISSING, RefusedCode.UNKNOWN_PRESET}
)
"""Failures that another attempt would only repeat."""


class Workshop:
    """Makes reports of landings, one at a time."""

    def __init__(
        self, library: S3Library, bucket_of: Callable[[str], Bucket], engine: Engine, terms: Terms
    ) -> None:
        self._library = library
        self._bucket_of = bucket_of
        self._engine = engine
        self._terms = terms
        self._presets = PublishedPresets(library.bucket)

    def take(
        self,
        landing: Landing,
        maker: Maker,
        deadline: Deadline,
        stages: Stages,
        stored: list[Stored],
    ) -> Report:
        """Turn a landing into a report.

        Args:
            landing: What landed.
            maker: Who works.
            deadline: When it has to be done.
            stages: Takes the time of each.
            stored: What earlier attempts have stored; what this one does is added, however it
                ends.

        Raises:
            FailedError: What another attempt may mend.

        """
        report = Report(
            landing=landing,
            outcome=Outcome.FAILED,
            maker=maker,
            library_id=self._library.id,
            filename=PurePosixPath(landing.key).name,
            preset=self._terms.preset,
            duration_s=0.0,
        )
        # What an invocation that was killed left in this very sandbox.
        for name in self._library.work_dirs():
            self._library.remove_work_dir(name)
        piece = _Piece(self._library, self._engine, deadline, stages, stored, report)
        try:
            choice = Choice(self._presets, self._terms)
            piece.make(self._bucket_of(landing.bucket), choice, self._terms.max_bytes)
        except RejectedError as error:
            piece.end(Outcome.REJECTED, error.code, error.detail)
        except (FailedError, RefusedError) as error:
            code = _judge(error.code)
            if code not in _FINAL:
                raise
            piece.end(Outcome.FAILED, code, error.detail)
        finally:
            self._library.remove_work_dir(landing.id)
        trace = stages.trace()
        return replace(
            piece.report, duration_s=trace.work.duration_s, trace=trace, stored=tuple(stored)
        )


def _judge(code: Code) -> Code:
    """Say what a failure means here: the disk is all ours, so what fills it is the file."""
    return FailedCode.FUNCTION_LIMIT if code is FailedCode.DISK_FULL else code


class _Piece:
    """One landing at work; `report` says how far it has come."""

    def __init__(
        self,
        library: S3Library,
        engine: Engine,
        deadline: Deadline,
        stages: Stages,
        stored: list[Stored],
        report: Report,
    ) -> None:
        self.report = report
        self._stored = stored
        self._stage = stages.stage
        self._library = library
        self._engine = engine
        self._deadline = deadline

    def end(self, outcome: Outcome, code: Code, detail: str) -> None:
        self.report = replace(self.report, outcome=outcome, code=str(code), detail=detail)

    def make(self, bucket: Bucket, choice: Choice, max_bytes: int) -> None:
        landing = self.report.landing
        head = self._ask(bucket)
        name, preset = choice.choose(landing.key, head)
        self.report = replace(self.report, preset=name, source_size_bytes=head.size_bytes)
        if preset is None:
            raise RefusedError(RefusedCode.UNKNOWN_PRESET, f"no preset {name!r}")
        self.report = replace(self.report, definition=to_definition(preset))
        work_dir = self._library.make_work_dir(landing.id)
        self._require_room(head.size_bytes, max_bytes)
        source = work_dir / "source"
        with self._stage("fetch"):
            self._fetch(bucket, source)
        with self._stage("validate"):
            analysis = self._engine.analyse(source, insight=True, on_progress=self._deadline.check)
        with self._stage("store"):
            self._store(source, analysis)
        self._render(source, analysis, preset, work_dir / "made")
        self.report = replace(self.report, outcome=Outcome.READY)

    def _ask(self, bucket: Bucket) -> Head:
        """Look whether the object is still the one that landed."""
        landing = self.report.landing
        try:
            head = bucket.head(landing.key, version_id=landing.version_id)
        except FailedError as error:
            if error.code is not FailedCode.OBJECT_MISSING:
                raise
            raise FailedError(FailedCode.SOURCE_MISSING, f"{landing} is gone") from error
        if landing.etag and head.etag.strip('"') != landing.etag:
            detail = f"{landing} was replaced; what replaced it lands by itself"
            raise FailedError(FailedCode.SOURCE_MISSING, detail)
        return head

    def _require_room(self, size_bytes: int, max_bytes: int) -> None:
        if size_bytes > max_bytes:
            detail = f"{size_bytes} bytes, at most {max_bytes} are taken"
            raise FailedError(FailedCode.FUNCTION_LIMIT, detail)
        free_bytes = self._library.volume.free_bytes()
        if size_bytes > free_bytes:
            detail = f"{size_bytes} bytes, the function's disk has {free_bytes}"
            raise FailedError(FailedCode.FUNCTION_LIMIT, detail)

    def _fetch(self, bucket: Bucket, path: Path) -> None:
        landing = self.report.landing
        digest = hashlib.sha256()
        try:
            with durable.translated(), path.open("xb") as file:
                for chunk in bucket.read(landing.key, version_id=landing.version_id):
                    self._deadline.check()
                    digest.update(chunk)
                    file.write(chunk)
        except FailedError as error:
            if error.code is FailedCode.OBJECT_MISSING:
                detail = f"{landing} went while it was read"
                raise FailedError(FailedCode.SOURCE_MISSING, detail) from error
            raise

    def _store(self, source: Path, analysis: Analysis) -> None:
        """Keep the source under a second name: the first one is still to be read."""
        second = source.with_name("stored")
        with durable.translated():
            second.hardlink_to(source)
        stored = self._adopt(second)
        self.report = replace(
            self.report,
            source_sha256=stored.sha256,
            source_size_bytes=stored.size_bytes,
            analysis=to_plain(analysis),
        )

    def _adopt(self, path: Path) -> ObjectRef:
        ref = self._library.adopt(path)
        found = Stored(ref.sha256, ref.size_bytes)
        if found not in self._stored:
            self._stored.append(found)
        return ref

    def _render(self, source: Path, analysis: Analysis, preset: Preset, directory: Path) -> None:
        with durable.translated():
            directory.mkdir()
        check = self._deadline.check
        with self._stage("render"):
            files = self._engine.render(source, analysis, preset, directory, on_progress=check)
        with self._stage("verify"):
            made = self._engine.verify(
                source, analysis, preset, files, directory, on_progress=check
            )
        renditions = []
        with self._stage("adopt"):
            for rendered in made:
                check()
                ref = self._adopt(rendered.file.path)
                renditions.append(_made(ref, to_plain(rendered)))
        self.report = replace(self.report, renditions=tuple(renditions))


def _made(ref: ObjectRef, rendered: dict[str, Any]) -> Made:
    return Made(sha256=ref.sha256, size_bytes=ref.size_bytes, rendered=rendered)
