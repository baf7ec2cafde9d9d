"""Tables for people: loudness before, and after."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sarau.audio import Evidence, SourceInfo
from sarau.cli.batch import Summary
from sarau.cli.exits import language, told
from sarau.cli.likeness import Alike, alike_sentence
from sarau.cli.names import labels
from sarau.errors import RejectedError, SarauError
from sarau.model.loudness import Loudness

_ENDLESS_COLUMNS = 100_000
"""As wide as a pipe: what reads it gets whole names."""
_COLOURS = {"passed": "green", "failed": "red"}
_UNITS = frozenset({"LUFS", "dBTP", "dB", "LU", "s", "Hz"})

_Cell = str | Text


@dataclass(frozen=True, slots=True)
class _Block:
    """What a table says of one file."""

    name: str
    rows: Sequence[Sequence[_Cell]]


def print_processed(results: Sequence[Summary]) -> None:
    """Print each track with its renditions, and then what went wrong."""
    names = labels(result.path for result in results)
    ready = [result for result in results if result.loudness is not None]
    noted = any(result.warnings for result in ready)
    columns = ("LUFS", "dBTP", "rendition", "gain dB", "LUFS", "dBTP", "verdict")
    blocks = [_processed(names[one.path], one, noted=noted) for one in ready]
    _print_table("track", (*columns, "notes") if noted else columns, blocks)
    _print_problems((names[one.path], one.error) for one in results)
    if len(ready) < len(results):
        print(f"{len(ready)} of {len(results)} files are ready.")
    old = sum(result.is_old for result in ready)
    if old:
        print(f"{old} of {len(ready)} were made by an earlier call; --again makes them anew.")


def print_measured(results: Sequence[Summary]) -> None:
    """Print the loudness of each file, in the terms of EBU R 128, and then what went wrong."""
    names = labels(result.path for result in results)
    columns = ("I LUFS", "LRA LU", "max M LUFS", "max S LUFS", "TP dBTP", "length s", "rate Hz")
    blocks = [
        _measured(names[one.path], one.source, one.loudness, one.warnings)
        for one in results
        if one.source is not None and one.loudness is not None
    ]
    _print_table("file", (*columns, "format", "notes"), blocks)
    _print_problems((names[one.path], one.error) for one in results)


def print_alike(alike: Mapping[Path, list[Alike]], paths: Iterable[Path]) -> None:
    """Say which of `paths` are the same recording as others; nothing when there are none."""
    names = labels(paths)
    for path in sorted(alike):
        for one in alike[path]:
            print(f"{names[path]}: {alike_sentence(one, names[one.path], language())}")


def _processed(name: str, result: Summary, *, noted: bool) -> _Block:
    """Return the rows of a track's renditions; with a column for notes if any track has some."""
    before = result.loudness
    source = (_db(before.integrated_lufs), _db(before.true_peak_dbtp)) if before else ("", "")
    notes = [", ".join(result.warnings)] if noted else []
    rows: list[tuple[_Cell, ...]] = []
    for one in result.renditions:
        after = one.evidence
        verdict = Text(after.verdict, _COLOURS.get(after.verdict, "yellow"))
        verdict.append(_album(after), "")
        figures = (
            f"{after.gain_db:+.2f}",
            _db(after.loudness.integrated_lufs),
            _db(after.loudness.true_peak_dbtp),
        )
        rows.append((*source, one.file.spec.name, *figures, verdict, *notes))
        source, notes = ("", ""), [""] * len(notes)
    return _Block(name, rows)


def _measured(name: str, source: SourceInfo, loudness: Loudness, warnings: Sequence[str]) -> _Block:
    figures = (
        loudness.integrated_lufs,
        loudness.range_lu,
        loudness.max_momentary_lufs,
        loudness.max_short_term_lufs,
        loudness.true_peak_dbtp,
    )
    row = (
        *map(_db, figures),
        f"{source.duration_s:.1f}",
        str(source.sample_rate_hz),
        f"{source.codec} {source.channel_layout}",
        ", ".join(warnings),
    )
    return _Block(name, [row])


def _db(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _album(evidence: Evidence) -> str:
    """Return how loud the album is that a gain was for."""
    return f" album {_db(evidence.album.integrated_lufs)} LUFS" if evidence.album else ""


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _ENDLESS_COLUMNS)


def _print_problems(results: Iterable[tuple[str, SarauError | None]]) -> None:
    console = _console()
    for name, error in results:
        if error is not None:
            state = "rejected" if isinstance(error, RejectedError) else "failed"
            said = f"{name}: {state}: {told(error, language())}"
            console.print(Text(said, "red"), soft_wrap=True)


def _print_table(first: str, columns: Sequence[str], blocks: Sequence[_Block]) -> None:
    """Print a line a row, and where there is no room for it the name in a line of its own."""
    if not blocks:
        return
    console = _console()
    wide = _wide(first, columns, blocks)
    endless = console.options.update(width=_ENDLESS_COLUMNS)
    if console.measure(wide, options=endless).maximum <= console.width:
        console.print(wide)
        return
    headings = [name.replace(" ", "\n") for name in columns]
    rows = [row for block in blocks for row in block.rows]
    widths = [
        max(cell_len(str(text)) for text in (*heading.split("\n"), *column))
        for heading, column in zip(headings, zip(*rows, strict=True), strict=True)
    ]
    console.print()
    console.print(_narrow(columns, widths, [[Text(one, "bold") for one in headings]]))
    for block in blocks:
        console.print(Text(f" {block.name}"), soft_wrap=True)
        console.print(_narrow(columns, widths, block.rows))
    console.print()


def _wide(first: str, columns: Sequence[str], blocks: Sequence[_Block]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for name in (first, *columns):
        table.add_column(name, justify=_side(name), no_wrap=True)
    for block in blocks:
        # In a string, rich takes the brackets of a name for orders.
        label = Text(block.name)
        for row in block.rows:
            table.add_row(label, *row)
            label = Text()
        if len(block.rows) > 1:
            table.add_section()
    return table


def _narrow(
    columns: Sequence[str], widths: Sequence[int], rows: Sequence[Sequence[_Cell]]
) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(width=0)
    for name, width in zip(columns[:-1], widths, strict=False):
        table.add_column(justify=_side(name), width=width)
    # What is said in words may go on in the next line.
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row("", *row)
    return table


def _side(name: str) -> Literal["left", "right"]:
    """Return where a column stands: one with a unit has figures."""
    return "right" if name.rsplit(maxsplit=1)[-1] in _UNITS else "left"
