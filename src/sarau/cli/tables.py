"""Tables for people: loudness before, and after."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sarau.audio import Evidence
from sarau.cli.batch import Processed, Summary
from sarau.cli.exits import language
from sarau.cli.likeness import Alike, alike_sentence
from sarau.cli.names import shown
from sarau.errors import SarauError
from sarau.model.messages import message

_PIPE_COLUMNS = 160
_COLOURS = {"passed": "green", "failed": "red"}


def _table(*columns: str) -> Table:
    """Return a table whose columns with a unit are figures."""
    table = Table(box=box.SIMPLE_HEAD)
    for name in columns:
        is_figure = name.split()[-1] in {"LUFS", "dBTP", "dB", "LU", "s", "Hz"}
        table.add_column(name, justify="right" if is_figure else "left", no_wrap=True)
    return table


def _print(table: Table) -> None:
    # A pipe has no width: what reads it gets whole names.
    Console(width=None if sys.stdout.isatty() else _PIPE_COLUMNS).print(table)


def _db(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _named(path: Path) -> Text:
    """Return a name as it is: in a string, rich takes brackets for orders."""
    return Text(shown(path.name))


def _said(error: SarauError | None) -> Text:
    return Text(message(error.code, language()) if error else "", "red")


def print_processed(results: Iterable[Summary]) -> None:
    """Print each track with its renditions."""
    table = _table("track", "LUFS", "dBTP", "rendition", "gain dB", "LUFS", "dBTP", "verdict")
    table.columns[-1].no_wrap = False
    for result in results:
        name, before = _named(result.path), result.loudness
        if before is None:
            table.add_row(name, *[""] * 6, _said(result.error))
            continue
        first = (name, _db(before.integrated_lufs), _db(before.true_peak_dbtp))
        for one in result.renditions:
            after = one.evidence
            colour = _COLOURS.get(after.verdict, "yellow")
            table.add_row(
                *first,
                one.file.spec.name,
                f"{after.gain_db:+.2f}",
                _db(after.loudness.integrated_lufs),
                _db(after.loudness.true_peak_dbtp),
                Text.assemble((after.verdict, colour), _album(after)),
            )
            first = (Text(), "", "")
        table.add_section()
    _print(table)


def print_alike(alike: Mapping[Path, list[Alike]]) -> None:
    """Say which files are the same recording as others; nothing when there are none."""
    for path in sorted(alike):
        for one in alike[path]:
            said = alike_sentence(one, shown(one.path.name), language())
            print(f"{shown(path.name)}: {said}")


def _album(evidence: Evidence) -> str:
    """Return how loud the album is that a gain was for."""
    return f" album {_db(evidence.album.integrated_lufs)} LUFS" if evidence.album else ""


def print_measured(results: Iterable[Processed]) -> None:
    """Print the loudness of each file, in the terms of EBU R 128."""
    columns = ("I LUFS", "LRA LU", "max M LUFS", "max S LUFS", "TP dBTP")
    table = _table("file", *columns, "length s", "rate Hz", "format", "notes")
    table.columns[-1].no_wrap = False
    for result in results:
        if result.analysis is None:
            table.add_row(_named(result.path), *[""] * (len(columns) + 3), _said(result.error))
            continue
        loudness, source = result.analysis.loudness, result.analysis.source
        table.add_row(
            _named(result.path),
            _db(loudness.integrated_lufs),
            _db(loudness.range_lu),
            _db(loudness.max_momentary_lufs),
            _db(loudness.max_short_term_lufs),
            _db(loudness.true_peak_dbtp),
            f"{source.duration_s:.1f}",
            str(source.sample_rate_hz),
            f"{source.codec} {source.channel_layout}",
            ", ".join(result.analysis.warnings),
        )
    _print(table)
