"""A receipt beside the renditions: the evidence, and what it was made of.

It lets an interrupted call go on with the files that are missing, and tells anybody
later how a rendition was made.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sarau import __version__
from sarau.audio import Analysis, Rendition, from_plain, to_plain
from sarau.model.preset import Preset

_SUFFIX = ".sarau.json"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one call made of one file."""

    analysis: Analysis
    renditions: tuple[Rendition, ...]


def _described(path: Path, preset: Preset, album: Sequence[Path]) -> dict[str, Any]:
    """Return what must be the same for old renditions to serve."""
    facts = path.stat()
    together = {"album": [_facts(each) for each in album]} if album else {}
    return together | {
        "sarau": __version__,
        "file": path.name,
        "size_bytes": facts.st_size,
        "modified_ns": facts.st_mtime_ns,
        "preset": to_plain(preset),
    }


def _facts(path: Path) -> list[str | int]:
    facts = path.stat()
    return [path.name, facts.st_size, facts.st_mtime_ns]


def place_of(path: Path, out_dir: Path) -> Path:
    """Return where the receipt for `path` is, or would be."""
    return out_dir / f"{path.stem}{_SUFFIX}"


def write(
    path: Path, out_dir: Path, preset: Preset, receipt: Receipt, album: Sequence[Path] = ()
) -> None:
    """Write the receipt for `path`, whole or not at all; `album` are all its tracks."""
    target = place_of(path, out_dir)
    draft = target.with_suffix(".new")
    draft.write_text(
        json.dumps({"made_of": _described(path, preset, album), "made": to_plain(receipt)})
    )
    draft.replace(target)


def find(path: Path, out_dir: Path, preset: Preset, album: Sequence[Path] = ()) -> Receipt | None:
    """Return the receipt of an earlier call, if it still holds for file, preset and renditions."""
    try:
        found = json.loads(place_of(path, out_dir).read_text())
        if found["made_of"] != _described(path, preset, album):
            return None
        receipt = from_plain(Receipt, found["made"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    files = [one.file for one in receipt.renditions]
    there = all(_size(out_dir / file.path.name) == file.size_bytes for file in files)
    return receipt if there else None


def _size(path: Path) -> int | None:
    """Return the bytes of a file, or of all files of an HLS set's folder; None without it."""
    if path.is_dir():
        return sum(each.stat().st_size for each in path.iterdir())
    return path.stat().st_size if path.is_file() else None
