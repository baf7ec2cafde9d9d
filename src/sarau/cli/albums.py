"""`sarau process --album`: the tracks of a folder, measured together and given one gain."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from sarau.audio import Album, Analysis, Engine, Rendition
from sarau.audio.album import correct_album, judge_album, plan_album
from sarau.cli import drafts, places, receipts
from sarau.cli.batch import Processed, crew
from sarau.cli.jobs import Job
from sarau.cli.progress import Progress
from sarau.errors import FailedError, RefusedError, SarauError
from sarau.model.preset import Preset
from sarau.storage.durable import translated

_ANALYSED = 0.15
_RENDERED = 0.8

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file that may be a track of an album."""

    job: Job
    source: receipts.Source


@dataclass(frozen=True, slots=True)
class _Track:
    """A track of an album."""

    job: Job
    source: receipts.Source
    analysis: Analysis


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

        A track that cannot be made is no part of it: the others are then an album. Where one
        may not be put, none is made: the others would get another gain than they have with it.
        """
        for _ in jobs:
            self.progress.expect_one()
        entries, done = _look_at(jobs)
        refusal = self._find_refusal(entries)
        if refusal is not None:
            done += [Processed(one.job.path, error=refusal) for one in entries]
            entries = []
        old = [] if again else self._made_before(entries)
        known = {one.path for one in old}
        measured = self._each(self._analyse, [one for one in entries if one.job.path not in known])
        if any(one.error is None for one in measured):
            old, rest = [], [one for one in entries if one.job.path in known]
            measured += self._each(self._analyse, rest)
        done += old + [one for one in measured if one.error is not None]
        found = {one.path: one.analysis for one in measured}
        # The tracks stay in the order of the jobs, in which the next call looks for them.
        analysed = [(one, found.get(one.job.path)) for one in entries]
        done += self._make(
            [_Track(one.job, one.source, analysis) for one, analysis in analysed if analysis]
        )
        for _ in jobs:
            self.progress.finish_one()
        return done

    def _find_refusal(self, entries: Sequence[_Entry]) -> RefusedError | None:
        """Return why a track may not be put where it belongs, None if all may."""
        for one in entries:
            try:
                places.check(one.job, self.preset)
            except RefusedError as error:
                return error
            except OSError:
                continue  # It fails when its turn comes.
        return None

    def _made_before(self, entries: Sequence[_Entry]) -> list[Processed]:
        """Return what an earlier call made, if all of the album is there."""
        # What was rejected then, or has changed since, was no part of the album as it is now.
        made = [one for one in entries if receipts.holds(one.source, one.job.out_dir)]
        album = [one.source for one in made]
        done = []
        for one in made:
            found = receipts.find(one.source, one.job.out_dir, self.preset, album)
            if found is None:
                return []
            done.append(Processed(one.job.path, found.analysis, found.renditions, is_old=True))
        return done

    def _analyse(self, entry: _Entry) -> Processed:
        job = entry.job
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

    def _make(self, tracks: Sequence[_Track]) -> list[Processed]:
        """Render, judge and keep an album of tracks that were analysed."""
        if not tracks:
            return []
        with drafts.rooms() as rooms:
            analyses = [track.analysis for track in tracks]
            album = plan_album(analyses, self.preset)
            made = self._each(lambda track: self._render(track, album, rooms), tracks)
            failed = [one for one in made if one.error is not None]
            if not failed:
                better = correct_album(
                    album, analyses, self.preset, [one.renditions for one in made]
                )
                if better is not None:
                    album = replace(album, gains=album.gains | better.gains)
                    made = self._each(
                        lambda pair: self._render_again(*pair, better, rooms),
                        list(zip(tracks, made, strict=True)),
                    )
                    failed = [one for one in made if one.error is not None]
            if not failed:
                return self._keep(album, tracks, [one.renditions for one in made])
        lost = {one.path for one in failed}
        return failed + self._make([track for track in tracks if track.job.path not in lost])

    def _render(
        self, track: _Track, album: Album, rooms: drafts.Rooms, names: Collection[str] | None = None
    ) -> Processed:
        """Make the renditions of one track in a room of their own; a failure is its result."""
        job, analysis = track.job, track.analysis
        with self.progress.file(job.path.name) as report:
            try:
                with translated():
                    draft = rooms.folder_for(job.out_dir)
                files = self.engine.render(
                    job.path,
                    analysis,
                    self.preset,
                    draft,
                    names=names,
                    album=album,
                    on_progress=lambda x: report(_ANALYSED + (_RENDERED - _ANALYSED) * x),
                )
                renditions = self.engine.verify(
                    job.path,
                    analysis,
                    self.preset,
                    files,
                    draft,
                    album=album,
                    on_progress=lambda x: report(_RENDERED + (1 - _RENDERED) * x),
                )
                track.source.check_unchanged()
            except SarauError as error:
                return Processed(job.path, error=error)
        return Processed(job.path, analysis, renditions)

    def _render_again(
        self, track: _Track, before: Processed, better: Album, rooms: drafts.Rooms
    ) -> Processed:
        """Make those renditions anew whose album was off."""
        made = self._render(track, better, rooms, better.gains)
        if made.error is not None:
            return made
        new = {one.file.spec.name: one for one in made.renditions}
        renditions = tuple(new.get(one.file.spec.name, one) for one in before.renditions)
        return replace(before, renditions=renditions)

    def _keep(
        self, album: Album, tracks: Sequence[_Track], made: Sequence[tuple[Rendition, ...]]
    ) -> list[Processed]:
        """Write the album's tags, move everything in, and leave receipts."""
        sources = [track.source for track in tracks]
        judged = judge_album(album, self.preset, made)
        return [
            self._keep_one(track, renditions, sources)
            for track, renditions in zip(tracks, judged, strict=True)
        ]

    def _keep_one(
        self, track: _Track, renditions: tuple[Rendition, ...], album: Sequence[receipts.Source]
    ) -> Processed:
        job, source = track.job, track.source
        analysis = replace(track.analysis, tenths=b"", stereo_tenths=b"")
        try:
            with translated():
                kept = places.move_in(source, job, self.engine.tag_album(renditions))
                receipt = receipts.Receipt(analysis, kept)
                receipts.write(source, job.out_dir, self.preset, receipt, album)
        except SarauError as error:
            return Processed(job.path, error=error)
        return Processed(job.path, analysis, kept)

    def _each(self, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        with crew(self.workers, self.engine) as pool:
            return list(pool.map(work, items))


def _look_at(jobs: Sequence[Job]) -> tuple[list[_Entry], list[Processed]]:
    """Return what is there of an album, and what is not."""
    entries, gone = [], []
    for job in jobs:
        try:
            entries.append(_Entry(job, receipts.Source.of(job.path)))
        except FailedError as error:
            gone.append(Processed(job.path, error=error))
    return entries, gone
