"""Verification: decode renditions again, judge them, and make again those that are off."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from sarau.audio import _operations, _plan, _plan_album
from sarau.audio._children import Children
from sarau.audio._files import file_name, rendered, size_of
from sarau.audio._formats import TRAITS, output_layout, output_samples
from sarau.audio._progress import Share
from sarau.audio._tasks import Measured, PackageJob, Part, Rate, RenderJob
from sarau.audio._types import (
    Analysis,
    Evidence,
    GainPlan,
    ProgressCallback,
    RenderedFile,
    Rendition,
    Verdict,
)
from sarau.errors import FailedCode, FailedError
from sarau.model.loudness import Loudness
from sarau.model.preset import Format, Preset, RenditionSpec

# How the progress of a verification divides. Trimming once is nearly always enough; a
# second time is for codecs whose overshoot depends on what exactly they are given.
_MEASURED: Final = 0.4
_TRIM: Final = 0.3
_TRIM_RENDER: Final = 0.2
_TRIMMED: Final = _MEASURED + _TRIM

_WORST_FIRST: Final = (
    Verdict.FAILED,
    Verdict.CEILING_LIMITED,
    Verdict.NOT_NORMALISED,
    Verdict.PASSED,
)


@dataclass(frozen=True, slots=True)
class Verification:
    """Of what was rendered from one source."""

    children: Children
    source: Path
    analysis: Analysis
    preset: Preset
    out_dir: Path
    in_album: bool

    def run(
        self, files: Sequence[RenderedFile], on_progress: ProgressCallback
    ) -> tuple[Rendition, ...]:
        """Return the files that are final, tagged, with what was measured on them."""
        watch = Share(on_progress)
        measured = self._measure(files, watch.part(0.0, _MEASURED))
        current = list(files)
        for start in (_MEASURED, _TRIMMED):
            trims = self._find_trims(current, measured)
            if not trims:
                break
            off = [(current[index], plan) for index, plan in trims.items()]
            middle, end = start + _TRIM_RENDER, start + _TRIM
            again = self._make_again(off, watch.part(start, middle))
            heard_again = self._measure(again, watch.part(middle, end))
            for index, file, heard in zip(trims, again, heard_again, strict=True):
                current[index], measured[index] = file, heard
        finished = list(zip(current, measured, strict=True))
        _operations.tag(self.children, [(file, heard.loudness, None) for file, heard in finished])
        made = tuple(
            Rendition(
                rendered(file.spec, file.path, self.analysis, file.gain),
                self._evidence_of(file, heard),
                heard.tenths,
            )
            for file, heard in finished
        )
        return self._with_sets(made)

    def _measure(
        self, files: Sequence[RenderedFile], on_progress: ProgressCallback
    ) -> list[Measured]:
        """Measure the files.

        Raises:
            FailedError: `internal`, when one does not decode, is longer or shorter than its
                source, or its channels were taken for other loudspeakers than they were
                encoded for, which weigh otherwise.

        """
        measured = _operations.measure(self.children, files, on_progress, tenths=self.in_album)
        source = self.analysis.source
        for file, heard in zip(files, measured, strict=True):
            layout, samples = output_layout(file.spec, source), output_samples(file.spec, source)
            if heard.channel_layout != layout:
                detail = f"{file.path.name} is {layout}, but reads as {heard.channel_layout}"
                raise FailedError(FailedCode.INTERNAL, detail)
            if heard.samples != samples:
                detail = f"{file.path.name} should have {samples} samples, not {heard.samples}"
                raise FailedError(FailedCode.INTERNAL, detail)
        return measured

    def _find_trims(
        self, files: Sequence[RenderedFile], measured: Sequence[Measured]
    ) -> dict[int, GainPlan]:
        """Return better plans for the files that are off, by their index."""
        found = {
            index: self._find_better(file, heard.loudness)
            for index, (file, heard) in enumerate(zip(files, measured, strict=True))
        }
        return {
            index: better
            for index, better in found.items()
            if better is not None and better != files[index].gain
        }

    def _find_better(self, file: RenderedFile, heard: Loudness) -> GainPlan | None:
        before = _plan.loudness_before(self.analysis, file.spec)
        if self.in_album:
            return _plan_album.correct_in_album(file.gain, before, heard, self.preset)
        softer = _plan.turned_down(file.gain, file.spec, heard, self.preset)
        if softer is not None:
            return softer
        is_foretold = _plan.is_foretold(self.analysis, file.spec)
        loss_lu = partial(_plan.foretold_loss_lu, self.analysis) if is_foretold else None
        return _plan.correct(file.gain, before, heard, self.preset, loss_lu=loss_lu)

    def _make_again(
        self, off: Sequence[tuple[RenderedFile, GainPlan]], on_progress: ProgressCallback
    ) -> list[RenderedFile]:
        """Make files by better plans: turned down in their header, or else encoded again."""
        parts = tuple(
            Part(file.spec, file_name(file.spec, "trimmed"), plan)
            for file, plan in off
            if not plan.output_gain_db
        )
        task = RenderJob(self.analysis, self.preset, parts, is_gain_fixed=self.in_album)
        encoded = iter(
            _operations.render(self.children, self.source, task, self.out_dir, on_progress)
            if parts
            else ()
        )
        return [
            _operations.turn_down(self.children, file, self.analysis, plan, self.out_dir)
            if plan.output_gain_db
            else next(encoded)
            for file, plan in off
        ]

    def _evidence_of(self, file: RenderedFile, heard: Measured) -> Evidence:
        before = _plan.loudness_before(self.analysis, file.spec)
        if self.in_album:
            verdict = _plan_album.judge_in_album(file.gain, before, heard.loudness, self.preset)
        elif before.integrated_lufs is None:
            verdict = _plan.judge_kept(file.gain)
        else:
            verdict = _plan.judge_rendition(file.gain, heard.loudness, self.preset)
        return Evidence(
            loudness=heard.loudness,
            target_lufs=self.preset.target_lufs,
            ceiling_dbtp=self.preset.ceiling_dbtp,
            gain_db=round(file.gain.gain_db + file.gain.output_gain_db, 3),
            verdict=verdict,
            samples=heard.samples,
            tools=self.children.versions(),
        )

    def _with_sets(self, made: tuple[Rendition, ...]) -> tuple[Rendition, ...]:
        """Add the HLS set of the preset, made of the packets of its finished AAC files."""
        rates = [one for one in made if one.file.spec.format is Format.AAC]
        wanted = [spec for spec in self.preset.renditions if spec.format is Format.AAC]
        for spec in self.preset.renditions:
            if spec.format is Format.HLS and len(rates) == len(wanted):
                named = tuple(Rate(one.file.spec.name, one.evidence.samples) for one in rates)
                task = PackageJob(file_name(spec), named)
                files = [one.file.path for one in rates]
                _operations.package(self.children, task, files, self.out_dir)
                made = (*made, _set_of(spec, self.out_dir / file_name(spec), rates))
        order = [spec.name for spec in self.preset.renditions]
        return tuple(sorted(made, key=lambda one: order.index(one.file.spec.name)))


def _set_of(spec: RenditionSpec, path: Path, rates: Sequence[Rendition]) -> Rendition:
    """Describe an HLS set by the highest of its rates, with the worst verdict of all.

    What was measured on the AAC files holds for it: its packets are theirs.

    Raises:
        FailedError: `engine_crashed`, when it is not there.

    """
    top = max(rates, key=lambda one: one.file.bitrate_bps or 0)
    peaks = [one.evidence.loudness.true_peak_dbtp for one in rates]
    highest = max((peak for peak in peaks if peak is not None), default=None)
    verdicts = {one.evidence.verdict for one in rates}
    worst = next(verdict for verdict in _WORST_FIRST if verdict in verdicts)
    loudness = replace(top.evidence.loudness, true_peak_dbtp=highest)
    traits = TRAITS[spec.format]
    file = replace(
        top.file,
        spec=spec,
        path=path,
        media_type=traits.media_type,
        extension=spec.format.extension,
        size_bytes=size_of(path),
    )
    return replace(top, file=file, evidence=replace(top.evidence, loudness=loudness, verdict=worst))
