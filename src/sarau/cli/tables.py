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

from sarau.audio import SourceInfo
from sarau.cli.batch import Summary
from sarau.cli.exits import language, told
from sarau.cli.likeness import Alike, alike_sentence
from sarau.cli.names import labels, shown
from sarau.cli.report_text import figure, verdict, warning, words, written
from sarau.cli.terminal_text import said
from sarau.errors import RejectedError
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
    """Print each track with its renditions, and then what there is to say of them."""
    names, speaks = labels(result.path for result in results), language()
    ready = [result for result in results if result.loudness is not None]
    of_album = any(one.evidence.album for result in ready for one in result.renditions)
    rendition, gain, album, verdict_head = (
        said(name, speaks) for name in ("rendition", "gain", "album", "verdict")
    )
    columns = ["LUFS", "dBTP", rendition, gain, "LUFS", "dBTP"]
    columns += [album, verdict_head] if of_album else [verdict_head]
    blocks = [_processed(names[one.path], one, speaks, of_album=of_album) for one in ready]
    _print_table(said("track", speaks), columns, blocks)
    _print_problems(results, names, speaks)
    if len(ready) < len(results):
        print(said("ready", speaks, ready=len(ready), all=len(results)))
    old = sum(result.is_old for result in ready)
    if old:
        print(said("old", speaks, old=old, ready=len(ready)))


def print_measured(results: Sequence[Summary]) -> None:
    """Print the loudness of each file, in the terms of EBU R 128, and what to say of it."""
    names, speaks = labels(result.path for result in results), language()
    momentary, short_term, length, rate, kind = (
        said(name, speaks) for name in ("momentary", "short_term", "length", "rate", "format")
    )
    columns = ("I LUFS", "LRA LU", momentary, short_term, "TP dBTP", length, rate, kind)
    blocks = [
        _measured(names[one.path], one.source, one.loudness, speaks)
        for one in results
        if one.source is not None and one.loudness is not None
    ]
    _print_table(said("file", speaks), columns, blocks)
    _print_problems(results, names, speaks)


def print_report_path(path: Path) -> None:
    """Say where the report is."""
    print(said("report", language(), path=shown(path)))


def print_alike(alike: Mapping[Path, list[Alike]], paths: Iterable[Path]) -> None:
    """Say which of `paths` are the same recording as others; nothing when there are none."""
    names = labels(paths)
    for path in sorted(alike):
        for one in alike[path]:
            print(f"{names[path]}: {alike_sentence(one, names[one.path], language())}")


def _processed(name: str, result: Summary, speaks: str, *, of_album: bool) -> _Block:
    """Return the rows of a track's renditions; with a column for how loud their album is."""
    before = result.loudness
    source = _figures(speaks, before.integrated_lufs, before.true_peak_dbtp) if before else ("", "")
    rows: list[tuple[_Cell, ...]] = []
    for one in result.renditions:
        proof = one.evidence
        album = figure(proof.album.integrated_lufs, speaks) if proof.album else ""
        code = str(proof.verdict)
        rows.append(
            (
                *source,
                one.file.spec.name,
                figure(proof.gain_db, speaks, "+"),
                *_figures(speaks, proof.loudness.integrated_lufs, proof.loudness.true_peak_dbtp),
                *((album,) if of_album else ()),
                Text(verdict(code, speaks), _COLOURS.get(code, "yellow")),
            )
        )
        source = ("", "")
    return _Block(name, rows)


def _measured(name: str, source: SourceInfo, loudness: Loudness, speaks: str) -> _Block:
    levels = (
        loudness.integrated_lufs,
        loudness.range_lu,
        loudness.max_momentary_lufs,
        loudness.max_short_term_lufs,
        loudness.true_peak_dbtp,
    )
    row = (
        *_figures(speaks, *levels),
        written(f"{source.duration_s:.1f}", speaks),
        str(source.sample_rate_hz),
        f"{source.codec} {source.channel_layout}",
    )
    return _Block(name, [row])


def _figures(speaks: str, *values: float | None) -> tuple[str, ...]:
    return tuple(figure(value, speaks) for value in values)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _ENDLESS_COLUMNS)


def _print_problems(results: Iterable[Summary], names: Mapping[Path, str], speaks: str) -> None:
    """Print what to listen for, and then what went wrong."""
    console = _console()
    bad = []
    for one in results:
        label = f"{names[one.path]}: {words(speaks)['warning']}: "
        for code in one.warnings:
            console.print(Text(label + warning(code, speaks), "yellow"), soft_wrap=True)
        if one.error is not None:
            state = "rejected" if isinstance(one.error, RejectedError) else "failed"
            why = told(one.error, speaks)
            bad.append(f"{names[one.path]}: {said(state, speaks)}: {why}")
    for line in bad:
        console.print(Text(line, "red"), soft_wrap=True)


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
