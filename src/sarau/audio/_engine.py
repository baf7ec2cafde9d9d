"""The engine: analyse, render, verify, each in a locked-down child."""

import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from sarau.audio import _plan, _plan_album
from sarau.audio._plain import Plain, from_plain, to_plain
from sarau.audio._progress import Share, Sum
from sarau.audio._results import (
    evidence_of,
    file_name,
    find_trims,
    read_texts,
    rendered,
    report_of,
    set_of,
    without_pictures,
)
from sarau.audio._supervise import ignore, reported, supervise
from sarau.audio._tasks import (
    GainJob,
    GainTag,
    Measured,
    OutputGainJob,
    PackageJob,
    Part,
    Rate,
    RenderJob,
)
from sarau.audio._types import (
    Album,
    AlbumEvidence,
    Analysis,
    ChildReport,
    EngineReport,
    GainPlan,
    Limits,
    ProgressCallback,
    RenderedFile,
    Rendition,
    SandboxMode,
)
from sarau.audio.zygote import Zygote
from sarau.errors import FailedCode, FailedError, RejectedCode, RejectedError
from sarau.model.loudness import Loudness
from sarau.model.preset import Format, Preset, RenditionSpec

T = TypeVar("T")

# How the progress of a verification divides. Trimming once is nearly always enough; a
# second time is for codecs whose overshoot depends on what exactly they are given.
_MEASURED: Final = 0.4
_TRIM: Final = 0.3
_TRIM_RENDER: Final = 0.2
_TRIMMED: Final = _MEASURED + _TRIM


class Engine:
    """Decodes and encodes untrusted files; any number of threads may use one engine.

    Every call runs in a child of its own that is killed when the call ends early, and
    that sees nothing but its input and its output directory.
    """

    def __init__(
        self,
        *,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        sandbox: SandboxMode = SandboxMode.REQUIRED,
        work_dir: Path | None = None,
        on_child: Callable[[ChildReport], None] = ignore,
    ) -> None:
        self._limits = limits
        self._sandbox = sandbox
        self._work_dir = work_dir
        self._on_child = on_child
        self._lock = threading.Lock()
        self._zygote: Zygote | None = Zygote()
        self._closed = False
        self._busy = 0
        """Children at work."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill what is running and end the zygote."""
        with self._lock:
            self._closed = True
            if self._zygote is not None:
                self._zygote.close()
                self._zygote = None

    def analyse(
        self,
        source: Path,
        *,
        insight: bool = False,
        for_album: bool = False,
        on_progress: ProgressCallback = ignore,
    ) -> Analysis:
        """Decode all of `source`, measure it and draw its waveform.

        With `insight` the analysis carries the quality report: `Analysis.insight`. With
        `for_album` it carries what `sarau.audio.album.plan_album` needs.

        Raises:
            RejectedError: when the file is at fault, with the code that says how.
            FailedError: when we are.

        """
        asked: dict[str, Plain] = {"insight": insight, "tenths": for_album}
        result = self._run("analyse", [source], None, asked, on_progress)
        return _read(Analysis, result)

    def render(
        self,
        source: Path,
        analysis: Analysis,
        preset: Preset,
        out_dir: Path,
        *,
        album: Album | None = None,
        on_progress: ProgressCallback = ignore,
    ) -> tuple[RenderedFile, ...]:
        """Make all renditions of `preset` in one decode, as `<name>.<extension>` in `out_dir`.

        With an `album` they get its gain, and not one of their own. An HLS set is made by
        `verify`, of what is then final.

        Raises:
            RejectedError, FailedError: as `analyse`; `source_damaged` when `source` is not
                what was analysed.

        """

        def plan(spec: RenditionSpec) -> GainPlan:
            if album is not None:
                return _plan_album.plan_in_album(album, analysis, preset, spec)
            return _plan.plan_gain(analysis, preset, spec)

        encoded = [spec for spec in preset.renditions if spec.format is not Format.HLS]
        parts = tuple(Part(spec, file_name(spec), plan(spec)) for spec in encoded)
        task = RenderJob(analysis, preset, parts, is_gain_fixed=album is not None)
        return self._render(source, task, out_dir, on_progress)

    def verify(
        self,
        source: Path,
        analysis: Analysis,
        preset: Preset,
        files: Sequence[RenderedFile],
        out_dir: Path,
        *,
        album: Album | None = None,
        on_progress: ProgressCallback = ignore,
    ) -> tuple[Rendition, ...]:
        """Decode and measure the encoded `files`; make those that are off again, at most twice.

        A file encoded again is `<name>.trimmed.<extension>` beside the first one, and one that
        only its header turns down `<name>.turned_down.<extension>`, so that a verification
        that is cut short can be repeated. What was measured is written into
        the tags of the files that are returned (ReplayGain 2.0; R128 in Opus), in place.

        In an `album` a track only has to have the album's gain and be under the ceiling;
        whether the album is at its target is for `sarau.audio.album.judge_album` to say.

        Raises:
            RejectedError, FailedError: as `analyse`.

        """
        watch = Share(on_progress)
        in_album = album is not None
        measured = self._measure(files, watch.part(0.0, _MEASURED), tenths=in_album)
        current = list(files)
        for start in (_MEASURED, _TRIMMED):
            trims = find_trims(analysis, preset, current, measured, in_album=in_album)
            if not trims:
                break
            off = [(current[index], plan) for index, plan in trims.items()]
            middle, end = start + _TRIM_RENDER, start + _TRIM
            again = self._make_again(
                source, analysis, preset, off, out_dir, watch.part(start, middle), in_album=in_album
            )
            heard_again = self._measure(again, watch.part(middle, end), tenths=in_album)
            for index, file, heard in zip(trims, again, heard_again, strict=True):
                current[index], measured[index] = file, heard
        self._tag(
            [(file, heard.loudness, None) for file, heard in zip(current, measured, strict=True)]
        )
        tools = read_texts(self._greeting()["versions"])
        made = tuple(
            Rendition(
                rendered(file.spec, file.path, analysis, file.gain),
                evidence_of(file, heard, analysis, preset, tools, in_album=in_album),
                heard.tenths,
            )
            for file, heard in zip(current, measured, strict=True)
        )
        return self._with_sets(made, preset, out_dir)

    def _make_again(
        self,
        source: Path,
        analysis: Analysis,
        preset: Preset,
        off: Sequence[tuple[RenderedFile, GainPlan]],
        out_dir: Path,
        on_progress: ProgressCallback,
        *,
        in_album: bool,
    ) -> list[RenderedFile]:
        """Make files by better plans: turned down in their header, or else encoded again."""
        parts = tuple(
            Part(file.spec, file_name(file.spec, "trimmed"), plan)
            for file, plan in off
            if not plan.output_gain_db
        )
        task = RenderJob(analysis, preset, parts, is_gain_fixed=in_album)
        encoded = iter(self._render(source, task, out_dir, on_progress) if parts else ())
        return [
            self._turn_down(file, analysis, plan, out_dir) if plan.output_gain_db else next(encoded)
            for file, plan in off
        ]

    def _turn_down(
        self, file: RenderedFile, analysis: Analysis, plan: GainPlan, out_dir: Path
    ) -> RenderedFile:
        name = file_name(file.spec, "turned_down")
        task = to_plain(OutputGainJob(name, plan.output_gain_db))
        self._run("turn_down", [file.path], out_dir, {"task": task}, ignore)
        return rendered(file.spec, out_dir / name, analysis, plan)

    def _with_sets(
        self, made: tuple[Rendition, ...], preset: Preset, out_dir: Path
    ) -> tuple[Rendition, ...]:
        """Add the HLS set of the preset, made of the packets of its finished AAC files."""
        rates = [one for one in made if one.file.spec.format is Format.AAC]
        for spec in preset.renditions:
            if spec.format is Format.HLS:
                named = tuple(Rate(one.file.spec.name, one.evidence.samples) for one in rates)
                task = to_plain(PackageJob(file_name(spec), named))
                files = [one.file.path for one in rates]
                self._run("package", files, out_dir, {"task": task}, ignore)
                made = (*made, set_of(spec, out_dir / file_name(spec), rates))
        order = [spec.name for spec in preset.renditions]
        return tuple(sorted(made, key=lambda one: order.index(one.file.spec.name)))

    def tag_album(self, renditions: Sequence[Rendition]) -> tuple[Rendition, ...]:
        """Write the loudness of their album, which is in the evidence, into finished files.

        Raises:
            RejectedError, FailedError: as `analyse`.

        """
        self._tag([(one.file, one.evidence.loudness, one.evidence.album) for one in renditions])
        return tuple(
            replace(one, file=replace(one.file, size_bytes=one.file.path.stat().st_size))
            for one in renditions
        )

    def describe(self) -> EngineReport:
        """Tell what the engine is made of, and try its sandbox."""
        return report_of(self._greeting(), self._selftest())

    def check(self) -> None:
        """Start the engine if it has died.

        Raises:
            FailedError: `engine_missing`, when it cannot be started.

        """
        self._running()

    def _selftest(self) -> dict[str, bool]:
        result = self._run("selftest", [], self._work_dir, {}, ignore)
        if not isinstance(result, dict):
            raise FailedError(FailedCode.ENGINE_CRASHED, "a child talks nonsense")
        return {str(name): stopped is True for name, stopped in result.items()}

    def _render(
        self,
        source: Path,
        task: RenderJob,
        out_dir: Path,
        on_progress: ProgressCallback,
    ) -> tuple[RenderedFile, ...]:
        analysis = task.analysis
        slim = replace(task, analysis=without_pictures(analysis))
        # What other calls are busy with is no core for this file.
        cores = max(1, len(os.sched_getaffinity(0)) // (self._busy + 1))
        details: dict[str, Plain] = {"task": to_plain(slim), "cores": cores}
        result = self._run("render", [source], out_dir, details, on_progress)
        if not isinstance(result, dict):
            raise FailedError(FailedCode.ENGINE_CRASHED, "a child talks nonsense")
        return tuple(
            rendered(
                part.spec, out_dir / part.name, analysis, _read(GainPlan, result.get(part.name))
            )
            for part in task.parts
        )

    def _measure(
        self, files: Sequence[RenderedFile], on_progress: ProgressCallback, *, tenths: bool
    ) -> list[Measured]:
        """Measure each file in a child of its own, as many at once as there are cores.

        Threads of one child would wait for Python's lock at every small packet.
        """
        watch = Sum(len(files), on_progress)

        def one(index: int) -> Measured:
            asked: dict[str, Plain] = {"tenths": tenths}
            result = self._run("measure", [files[index].path], None, asked, watch.part(index))
            return _read(Measured, result)

        # Whose run it is stays known in the threads, for what is told of their children.
        contexts = [copy_context() for _ in files]
        with ThreadPoolExecutor(max(1, min(len(files), len(os.sched_getaffinity(0))))) as pool:
            return list(pool.map(lambda index: contexts[index].run(one, index), range(len(files))))

    def _tag(self, told: Iterable[tuple[RenderedFile, Loudness, AlbumEvidence | None]]) -> None:
        """Write into each file how loud it is; a child writes to one directory only."""
        rooms: dict[Path, list[GainTag]] = {}
        for file, loudness, album in told:
            if file.spec.format is Format.HLS:
                continue
            tag = GainTag(file.path.name, file.spec.format, loudness, album)
            rooms.setdefault(file.path.parent, []).append(tag)
        for directory, tags in rooms.items():
            task = to_plain(GainJob(tuple(tags)))
            self._run("tag", [], directory, {"task": task}, ignore)

    def _greeting(self) -> dict[str, Any]:
        return self._running().wait_until_ready()

    def _running(self) -> Zygote:
        """Return the zygote, a new one if the last has died."""
        with self._lock:
            if self._closed:
                raise FailedError(FailedCode.ENGINE_MISSING, "the engine is closed")
            if self._zygote is None or not self._zygote.is_alive():
                if self._zygote is not None:
                    self._zygote.close()
                self._zygote = Zygote()
            self._zygote.wait_until_ready()
            return self._zygote

    def _run(
        self,
        operation: str,
        inputs: Sequence[Path],
        directory: Path | None,
        details: dict[str, Plain],
        on_progress: ProgressCallback,
    ) -> Plain:
        job = {
            "operation": operation,
            "limits": to_plain(self._limits),
            "directory": str(directory.absolute()) if directory is not None else None,
            "best_effort": self._sandbox is SandboxMode.BEST_EFFORT,
            **details,
        }
        fds: list[int] = []
        try:
            fds.extend(_open(path) for path in inputs)
            try:
                child = self._running().start(job, fds)
            except FailedError:
                # A zygote that died unnoticed took nothing with it; its successor can start.
                child = self._running().start(job, fds)
        finally:
            for fd in fds:
                os.close(fd)
        with self._counted(), reported(child, operation, self._on_child):
            return supervise(child, self._limits, on_progress)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1


def _open(path: Path) -> int:
    """Open a regular file for a child.

    Raises:
        FailedError: `source_missing`, `disk_error`.
        RejectedError: `not_audio`, for what is no file.

    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise FailedError(FailedCode.SOURCE_MISSING, str(path)) from error
    except OSError as error:
        raise FailedError(FailedCode.DISK_ERROR, f"{path}: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise RejectedError(RejectedCode.NOT_AUDIO, "this is no file")
    return fd


def _read(kind: type[T], data: Plain) -> T:
    try:
        return from_plain(kind, data)
    except ValueError as error:
        raise FailedError(FailedCode.ENGINE_CRASHED, f"a child talks nonsense: {error}") from error
