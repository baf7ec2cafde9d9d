"""The engine: analyse, render, verify, each in a locked-down child."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sarau.audio import _operations, _plan, _plan_album
from sarau.audio._children import Children, read_answer
from sarau.audio._files import file_name
from sarau.audio._plain import Plain
from sarau.audio._sandbox import level_of
from sarau.audio._supervise import ignore
from sarau.audio._tasks import Part, RenderJob
from sarau.audio._types import (
    Album,
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
from sarau.audio._verification import Verification
from sarau.audio.zygote import Zygote
from sarau.model.preset import Format, Preset, RenditionSpec


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
        zygote: Zygote | None = None,
    ) -> None:
        """Start the engine, or take over a `zygote` that got ready meanwhile."""
        self._children = Children(limits, sandbox, on_child, zygote or Zygote())
        self._work_dir = work_dir

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
        self._children.close()

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
        cores = self._children.free_cores()
        asked: dict[str, Plain] = {"insight": insight, "tenths": for_album, "cores": cores}
        result = self._children.run("analyse", [source], None, asked, on_progress)
        return read_answer(Analysis, result)

    def render(
        self,
        source: Path,
        analysis: Analysis,
        preset: Preset,
        out_dir: Path,
        *,
        names: Collection[str] | None = None,
        album: Album | None = None,
        on_progress: ProgressCallback = ignore,
    ) -> tuple[RenderedFile, ...]:
        """Make all renditions of `preset` in one decode, as `<name>.<extension>` in `out_dir`.

        With `names` only those are made, as they come with all the others: their gain depends
        on the whole preset. With an `album` they get its gain, and not one of their own. An HLS
        set is made by `verify`, of what is then final.

        Raises:
            RejectedError, FailedError: as `analyse`; `source_damaged` when `source` is not
                what was analysed.

        """

        def plan(spec: RenditionSpec) -> GainPlan:
            if album is not None:
                return _plan_album.plan_in_album(album, analysis, preset, spec)
            return _plan.plan_gain(analysis, preset, spec)

        wanted = [spec for spec in preset.renditions if names is None or spec.name in names]
        encoded = [spec for spec in wanted if spec.format is not Format.HLS]
        parts = tuple(Part(spec, file_name(spec), plan(spec)) for spec in encoded)
        task = RenderJob(analysis, preset, parts, is_gain_fixed=album is not None)
        return _operations.render(self._children, source, task, out_dir, on_progress)

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
        the tags of the files that are returned (ReplayGain 2.0; R128 in Opus), in place. An
        HLS set is made where all AAC renditions of `preset` are among them.

        In an `album` a track only has to have the album's gain and be under the ceiling;
        whether the album is at its target is for `sarau.audio.album.judge_album` to say.

        Raises:
            RejectedError, FailedError: as `analyse`.

        """
        in_album = album is not None
        verification = Verification(
            self._children, source, analysis, preset, out_dir, in_album=in_album
        )
        return verification.run(files, on_progress)

    def tag_album(self, renditions: Sequence[Rendition]) -> tuple[Rendition, ...]:
        """Write the loudness of their album, which is in the evidence, into finished files.

        Raises:
            RejectedError, FailedError: as `analyse`.

        """
        told = [(one.file, one.evidence.loudness, one.evidence.album) for one in renditions]
        _operations.tag(self._children, told)
        return tuple(
            replace(one, file=replace(one.file, size_bytes=one.file.path.stat().st_size))
            for one in renditions
        )

    def describe(self) -> EngineReport:
        """Tell what the engine is made of, and try its sandbox."""
        stopped = self._children.run("selftest", [], self._work_dir)
        return _report_of(
            self._children.greeting(),
            self._children.versions(),
            read_answer(dict[str, bool], stopped),
            has_vorbis=read_answer(bool, self._children.run("vorbis", [])),
        )

    def check(self) -> None:
        """Start the engine if it has died.

        Raises:
            FailedError: `engine_missing`, when it cannot be started.

        """
        self._children.zygote()


def _report_of(
    greeting: dict[str, Any],
    versions: dict[str, str],
    sandbox_checks: dict[str, bool],
    *,
    has_vorbis: bool,
) -> EngineReport:
    """Tell what the engine is made of, from what it said when it was ready."""
    landlock, seccomp = int(greeting["landlock_abi"]), bool(greeting["seccomp"])
    missing = []
    if not landlock:
        missing.append("Landlock (Linux 5.13 or later)")
    if not seccomp:
        missing.append("seccomp rules for this machine")
    if greeting["slow_lame"]:
        missing.append("lameenc or libmp3lame0 (MP3 encoding takes three times as long without it)")
    return EngineReport(
        versions=versions,
        lame_source=str(greeting["lame_source"]),
        sandbox_level=level_of(landlock=landlock > 0, seccomp=seccomp),
        landlock_abi=landlock,
        sandbox_checks=sandbox_checks,
        missing=tuple(missing),
        missing_encoders=() if has_vorbis else ("vorbis (install sarau[vorbis])",),
    )
