"""`sarau process --album`: the tracks of a folder, measured together and given one gain."""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from sarau.audio import Album, Analysis, Engine, Rendition
from sarau.audio.album import correct_album, judge_album, plan_album
from sarau.cli import receipts
from sarau.cli.batch import Job, Processed, move_in
from sarau.cli.progress import Progress
from sarau.errors import SarauError
from sarau.model.preset import Preset

_ANALYSED = 0.15
_RENDERED = 0.8

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Track:
    """A track of an album, and the room where its renditions wait for the others."""

    job: Job
    analysis: Analysis
    draft: Path


def group(jobs: Iterable[Job]) -> list[list[Job]]:
    """Put together what lies in one folder."""
    folders: dict[Path, list[Job]] = {}
    for job in jobs:
        folders.setdefault(job.path.absolute().parent, []).append(job)
    return list(folders.values())


@dataclass(frozen=True, slots=True)
class Desk:
    """Takes one album after the other; the tracks of each side by side."""

    engine: Engine
    preset: Preset
    progress: Progress
    workers: int

    def process(self, jobs: Sequence[Job], *, again: bool) -> list[Processed]:
        """Check, measure and render the tracks of one album, unless an earlier call did.

        A track that cannot be made is no part of it: the others are then an album.
        """
        for _ in jobs:
            self.progress.expect_one()
        done = [] if again else self._made_before(jobs)
        known = {one.path for one in done}
        measured = self._each(self._analyse, [job for job in jobs if job.path not in known])
        if any(one.error is None for one in measured):
            done, rest = [], [job for job in jobs if job.path in known]
            measured += self._each(self._analyse, rest)
        done += [one for one in measured if one.error is not None]
        places = {job.path: job for job in jobs}
        sound = [(places[one.path], one.analysis) for one in measured if one.analysis is not None]
        done += self._make(sound)
        for _ in jobs:
            self.progress.finish_one()
        return done

    def _made_before(self, jobs: Sequence[Job]) -> list[Processed]:
        """Return what an earlier call made, if all of the album is there."""
        # What was rejected then has no receipt, and was no part of the album.
        made = [job for job in jobs if receipts.place_of(job.path, job.out_dir).is_file()]
        album = [job.path for job in made]
        done = []
        for job in made:
            found = receipts.find(job.path, job.out_dir, self.preset, album)
            if found is None:
                return []
            done.append(Processed(job.path, found.analysis, found.renditions, is_old=True))
        return done

    def _analyse(self, job: Job) -> Processed:
        with self.progress.file(job.path.name) as report:
            try:
                analysis = self.engine.analyse(
                    job.path,
                    insight=True,
                    for_album=True,
                    on_progress=lambda x: report(_ANALYSED * x),
                )
            except SarauError as error:
                return Processed(job.path, error=error)
        return Processed(job.path, analysis)

    def _make(self, sound: Sequence[tuple[Job, Analysis]]) -> list[Processed]:
        """Render, judge and keep an album of tracks that were analysed."""
        if not sound:
            return []
        with ExitStack() as drafts:
            tracks = [
                _Track(job, analysis, Path(drafts.enter_context(_draft(job))))
                for job, analysis in sound
            ]
            analyses = [track.analysis for track in tracks]
            album = plan_album(analyses, self.preset)
            made = self._each(lambda track: self._render(track, album), tracks)
            failed = [one for one in made if one.error is not None]
            if not failed:
                better = correct_album(
                    album, analyses, self.preset, [one.renditions for one in made]
                )
                if better is not None:
                    album = replace(album, gains=album.gains | better.gains)
                    made = self._each(
                        lambda pair: self._render_again(*pair, better),
                        list(zip(tracks, made, strict=True)),
                    )
                    failed = [one for one in made if one.error is not None]
            if not failed:
                return self._keep(album, tracks, [one.renditions for one in made])
        lost = {one.path for one in failed}
        return failed + self._make([pair for pair in sound if pair[0].path not in lost])

    def _render(self, track: _Track, album: Album, preset: Preset | None = None) -> Processed:
        """Make the renditions of one track; a failure is its result."""
        job, analysis, draft = track.job, track.analysis, track.draft
        wanted = preset or self.preset
        with self.progress.file(job.path.name) as report:
            try:
                files = self.engine.render(
                    job.path,
                    analysis,
                    wanted,
                    draft,
                    album=album,
                    on_progress=lambda x: report(_ANALYSED + (_RENDERED - _ANALYSED) * x),
                )
                renditions = self.engine.verify(
                    job.path,
                    analysis,
                    wanted,
                    files,
                    draft,
                    album=album,
                    on_progress=lambda x: report(_RENDERED + (1 - _RENDERED) * x),
                )
            except SarauError as error:
                return Processed(job.path, error=error)
        return Processed(job.path, analysis, renditions)

    def _render_again(self, track: _Track, before: Processed, better: Album) -> Processed:
        """Make those renditions anew whose album was off."""
        specs = tuple(spec for spec in self.preset.renditions if spec.name in better.gains)
        made = self._render(track, better, replace(self.preset, renditions=specs))
        if made.error is not None:
            return made
        new = {one.file.spec.name: one for one in made.renditions}
        renditions = tuple(new.get(one.file.spec.name, one) for one in before.renditions)
        return replace(before, renditions=renditions)

    def _keep(
        self, album: Album, tracks: Sequence[_Track], made: Sequence[tuple[Rendition, ...]]
    ) -> list[Processed]:
        """Write the album's tags, move everything in, and leave receipts."""
        done = []
        paths = [track.job.path for track in tracks]
        for track, renditions in zip(tracks, judge_album(album, self.preset, made), strict=True):
            job = track.job
            kept = move_in(job, self.engine.tag_album(renditions))
            analysis = replace(track.analysis, tenths=b"", stereo_tenths=b"")
            receipt = receipts.Receipt(analysis, kept)
            receipts.write(job.path, job.out_dir, self.preset, receipt, paths)
            done.append(Processed(job.path, analysis, kept))
        return done

    def _each(self, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(work, items))


def _draft(job: Job) -> "tempfile.TemporaryDirectory[str]":
    job.out_dir.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix=".sarau-", dir=job.out_dir)
