"""Where renditions go: into the places of those of earlier calls, and of nothing else."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sarau.audio import Rendition
from sarau.audio.hls import INDEX, unpack
from sarau.cli import ours, receipts
from sarau.cli.jobs import Job
from sarau.errors import RefusedCode, RefusedError
from sarau.model.filenames import fitting_name, suffixes
from sarau.model.preset import Format, Preset, RenditionSpec


@dataclass(frozen=True, slots=True)
class _Move:
    """A finished file, or the folder of a set, and the path that it is to have."""

    rendition: Rendition
    draft: Path
    path: Path

    def files(self) -> Iterator[tuple[str, Path]]:
        """Give each file that is put there, by its name in the folder of the track."""
        if self.draft.is_dir():
            for each in self.draft.iterdir():
                yield f"{self.path.name}/{each.name}", each
        else:
            yield self.path.name, self.draft


def check(job: Job, preset: Preset) -> None:
    """See, before anything is made for a file, that only renditions are where its ones go.

    Raises:
        RefusedError: `rendition_replaced`, when something there is not as we made it.
        OSError: one cannot look there.

    """
    names = receipts.names_for(job.path, job.out_dir)
    sha256s = receipts.sha256s_for(job.path, job.out_dir)
    _check(_paths(job, preset.renditions), names, sha256s)


def move_in(
    source: receipts.Source, job: Job, renditions: Sequence[Rendition]
) -> tuple[Rendition, ...]:
    """Put finished files where they belong, under the name of the track.

    Raises:
        RefusedError: as `check`: somebody may have put something there meanwhile.
        OSError: they could not be put there.

    """
    paths = _paths(job, [one.file.spec for one in renditions])
    moves = [_ready(one, path) for one, path in zip(renditions, paths, strict=True)]
    names = receipts.names_for(job.path, job.out_dir)
    _check(paths, names, receipts.sha256s_for(job.path, job.out_dir))
    _check(_added(moves, names), {}, {})
    files = {name: file for move in moves for name, file in move.files()}
    planned = {move.path.name: move.rendition.file.size_bytes for move in moves}
    planned |= {name: file.stat().st_size for name, file in files.items()}
    sha256s = {name: ours.sha256_of(file) for name, file in files.items()}
    receipts.claim(source, job.out_dir, planned, sha256s)
    return tuple(_carry_out(move, names) for move in moves)


def _paths(job: Job, specs: Sequence[RenditionSpec]) -> list[Path]:
    """Return where renditions of a file go: an HLS set is unpacked there."""
    named = suffixes((spec.name, spec.format.extension) for spec in specs)
    whole = [job.out_dir / fitting_name(job.path, suffix) for suffix in named]
    return [
        path.with_suffix("") if spec.format is Format.HLS else path
        for path, spec in zip(whole, specs, strict=True)
    ]


def _check(paths: Iterable[Path], names: ours.Names, sha256s: ours.Hashes) -> None:
    for path in paths:
        found = ours.stranger(path, names, sha256s)
        if found is not None:
            raise RefusedError(RefusedCode.RENDITION_REPLACED, str(found))


def _added(moves: Iterable[_Move], names: ours.Names) -> Iterator[Path]:
    """Give where a set has a file that the one in its place has not, but its folder may."""
    for move in moves:
        if move.draft.is_dir() and move.path.is_dir():
            new = {move.path / each.name for each in move.draft.iterdir()}
            yield from new.difference(ours.files_of(move.path, names))


def _ready(rendition: Rendition, path: Path) -> _Move:
    draft = rendition.file.path
    if rendition.file.spec.format is not Format.HLS:
        return _Move(rendition, draft, path)
    folder = draft.with_suffix("")
    file = replace(rendition.file, size_bytes=unpack(draft, folder))
    return _Move(replace(rendition, file=file), folder, path)


def _carry_out(move: _Move, names: ours.Names) -> Rendition:
    if move.draft.is_dir() and move.path.is_dir():
        _exchange(move.draft, move.path, names)
    else:
        move.draft.replace(move.path)
    return replace(move.rendition, file=replace(move.rendition.file, path=move.path))


def _exchange(draft: Path, folder: Path, names: ours.Names) -> None:
    """Put the files of a set in the place of an older one, whose index goes first and comes last.

    What else is in the folder stays.
    """
    for old in sorted(ours.files_of(folder, names), key=_is_index, reverse=True):
        old.unlink(missing_ok=True)
    for new in sorted(draft.iterdir(), key=_is_index):
        new.replace(folder / new.name)


def _is_index(path: Path) -> bool:
    return path.name == INDEX
