"""A receipt beside the renditions: the evidence, and what it was made of.

It lets an interrupted call go on with the files that are missing, tells whose folder it
is, and tells anybody later how a rendition was made.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from sarau import __version__
from sarau.audio import Analysis, Rendition, from_plain, to_plain
from sarau.cli import ours
from sarau.errors import FailedCode, FailedError
from sarau.model.filenames import fitting_name
from sarau.model.preset import Preset
from sarau.storage.durable import failure

_SUFFIX = ".sarau.json"


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was before anything was made of it."""

    path: Path
    size_bytes: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """Look at a file.

        Raises:
            FailedError: `source_missing`, `disk_error`.

        """
        try:
            found = path.stat()
        except FileNotFoundError as error:
            raise FailedError(FailedCode.SOURCE_MISSING, f"{path} is gone") from error
        except OSError as error:
            raise failure(error) from error
        return cls(path, found.st_size, found.st_mtime_ns)

    def check_unchanged(self) -> None:
        """Look again: what was made of a file that changed meanwhile is of no version of it.

        Raises:
            FailedError: `source_damaged`. One that is gone by now has not changed.

        """
        try:
            now = Source.of(self.path)
        except FailedError:
            return
        if now != self:
            detail = f"{self.path} changed while it was processed"
            raise FailedError(FailedCode.SOURCE_DAMAGED, detail)

    def facts(self) -> dict[str, str | int]:
        """Return what is the same as long as nobody writes to the file, wherever it lies."""
        return {
            "file": self.path.name,
            "size_bytes": self.size_bytes,
            "modified_ns": self.modified_ns,
        }


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one call made of one file."""

    analysis: Analysis
    renditions: tuple[Rendition, ...]


def real_path(path: Path) -> Path:
    """Return where a file is, by whatever way it was named; a link is a file of its own."""
    return path.parent.resolve() / path.name


def receipt_path(path: Path, out_dir: Path) -> Path:
    """Return where the receipt for `path` is, or would be."""
    return out_dir / fitting_name(path, _SUFFIX)


def claim(
    source: Source, out_dir: Path, planned: Mapping[str, int], sha256s: Mapping[str, str]
) -> None:
    """Say whose folder it is before anything is put there: there is nothing yet to be found.

    `planned` are the names of what will be put there, with the bytes of each, and `sha256s` what
    is in them.
    """
    names, known = names_for(source.path, out_dir), sha256s_for(source.path, out_dir)
    # Until all is there, a name may still be that of what an earlier call made.
    more = {name: sorted({*names.get(name, ()), size}) for name, size in planned.items()}
    hashes = {name: sorted({*known.get(name, ()), one}) for name, one in sha256s.items()}
    _write(source, out_dir, {"names": names | more, "sha256": known | hashes})


def write(
    source: Source, out_dir: Path, preset: Preset, receipt: Receipt, album: Sequence[Source] = ()
) -> None:
    """Write the receipt for `source`, whole or not at all; `album` are all its tracks."""
    names = names_for(source.path, out_dir)
    names |= {one.file.path.name: [one.file.size_bytes] for one in receipt.renditions}
    told = {"made_of": _described(source, preset, album), "made": to_plain(receipt)}
    known = sha256s_for(source.path, out_dir)
    _write(source, out_dir, {"names": names, "sha256": known} | told)


def find(
    source: Source, out_dir: Path, preset: Preset, album: Sequence[Source] = ()
) -> Receipt | None:
    """Return the receipt of an earlier call, if it still holds for file, preset and renditions."""
    found = _read(receipt_path(source.path, out_dir))
    if found is None or found.get("made_of") != _described(source, preset, album):
        return None
    try:
        receipt = from_plain(Receipt, found["made"])
    except (ValueError, KeyError):
        return None
    here = tuple(_found_in(out_dir, one) for one in receipt.renditions)
    names = _names(found)
    is_whole = all(ours.size(one.file.path, names) == one.file.size_bytes for one in here)
    return replace(receipt, renditions=here) if is_whole else None


def names_for(path: Path, out_dir: Path) -> dict[str, list[int]]:
    """Return the names of all that was ever made of `path` in a folder, with the bytes of each."""
    return _names(_read(receipt_path(path, out_dir)))


def sha256s_for(path: Path, out_dir: Path) -> dict[str, list[str]]:
    """Return what was in each file that was made of `path`; an older receipt does not tell."""
    told = _read(receipt_path(path, out_dir)) or {}
    try:
        return from_plain(dict[str, list[str]], told.get("sha256", {}))
    except ValueError:
        return {}


def holds(source: Source, out_dir: Path) -> bool:
    """Tell whether an earlier call made anything of the file as it is now."""
    found = _read(receipt_path(source.path, out_dir)) or {}
    return "made" in found and _is_named(source, found)


def is_for(path: Path, out_dir: Path) -> bool | None:
    """Tell whether a folder is that of `path`: False if it is another file's, None if nobody's.

    A file that lies elsewhere by now is the same one, as long as nobody wrote to it.
    """
    found = _read(receipt_path(path, out_dir))
    if found is None:
        return None
    if found.get("path") == _way_to(path, out_dir):
        return True
    try:
        return _is_named(Source.of(path), found)
    except FailedError:
        return False


def made_in(folder: Path) -> dict[str, set[int]]:
    """Return the names of all renditions that were ever put into a folder, and their bytes."""
    made: dict[str, set[int]] = defaultdict(set)
    for path in _receipts_in(folder):
        for name, sizes_bytes in _names(_read(path)).items():
            made[name].update(sizes_bytes)
    return made


def stems_in(folder: Path) -> Iterator[str]:
    """Give what the names of the files begin with that a folder has receipts for."""
    return (path.name.removesuffix(_SUFFIX) for path in _receipts_in(folder))


def _receipts_in(folder: Path) -> Iterator[Path]:
    """Give what is called like a receipt and is no directory, as far as one may look."""
    for path in folder.glob(f"*{_SUFFIX}"):
        try:
            is_dir = path.is_dir()
        except OSError:
            is_dir = False
        if not is_dir:
            yield path


def _names(found: dict[str, Any] | None) -> dict[str, list[int]]:
    """Return the names that a receipt has, with the bytes of each: an old one has the newest."""
    told = found or {}
    try:
        if "names" in told:
            return from_plain(dict[str, list[int]], told["names"])
        made = from_plain(Receipt, told["made"]).renditions
    except (ValueError, KeyError):
        return {}
    return {one.file.path.name: [one.file.size_bytes] for one in made}


def _described(source: Source, preset: Preset, album: Sequence[Source]) -> dict[str, Any]:
    """Return what must be the same for old renditions to serve."""
    together = {"album": [list(each.facts().values()) for each in album]} if album else {}
    return together | source.facts() | {"sarau": __version__, "preset": to_plain(preset)}


def _is_named(source: Source, found: dict[str, Any]) -> bool:
    return bool(found.get("source") == source.facts())


def _way_to(path: Path, out_dir: Path) -> str:
    """Return the way from a folder to a source: it stays when both move together."""
    return os.path.relpath(real_path(path), out_dir.resolve())


def _found_in(out_dir: Path, rendition: Rendition) -> Rendition:
    file = replace(rendition.file, path=out_dir / rendition.file.path.name)
    return replace(rendition, file=file)


def _write(source: Source, out_dir: Path, told: dict[str, Any]) -> None:
    target = receipt_path(source.path, out_dir)
    draft = target.with_suffix(".new")
    named = {"path": _way_to(source.path, out_dir), "source": source.facts()}
    draft.write_text(json.dumps(named | told))
    draft.replace(target)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
