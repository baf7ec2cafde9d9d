"""`--report`: one HTML file with everything about every file, that needs nothing else.

It is written track by track, so that thousands of them need no memory, beside its place,
and moved there when it is whole. The table of contents is known last and shown first, and
so is the order of the files: they come as they are ready.
"""

import html
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

from sarau import __version__
from sarau.audio import Analysis, Insight, Rendition
from sarau.cli import report_facts
from sarau.cli.batch import Processed
from sarau.cli.exits import told
from sarau.cli.likeness import Alike, alike_sentence
from sarau.cli.names import labels, shown
from sarau.cli.report_pictures import pictures
from sarau.cli.report_text import STYLE, figure, verdict, words
from sarau.model.findings import sentence
from sarau.model.loudness import Loudness
from sarau.model.preset import Preset
from sarau.storage.durable import translated

_FILE = "report.html"
_FIGURES = frozenset({"integrated", "peak", "range", "gain", "target"})
_FIGURE = ' class="figure"'


def report_path(given: Path) -> Path:
    """Return the file that is meant by a directory or a file."""
    is_file = given.suffix.lower() in {".html", ".htm"} and not given.is_dir()
    return given if is_file else given / _FILE


class Report:
    """Takes results one by one; whole only when the `with` block ends well."""

    def __init__(self, path: Path, language: str, preset: Preset) -> None:
        self.path, self._language, self._preset = path, language, preset
        self._draft = path.with_suffix(".new")
        self._words = words(language)
        self._contents: list[tuple[Path, str]] = []
        """Of each section its file, and what the table says of it."""
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._draft.open("w", encoding="utf-8")
        title = html.escape(self._words["title"])
        self._file.write(
            f'<!doctype html><html lang="{self._language}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="color-scheme" content="light dark">'
            f"<title>{title}</title><style>{STYLE}</style></head><body>"
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is None:
            return
        with translated(), self._file as file:
            if kind is None:
                file.write(self._header())
                file.write("</body></html>\n")
        if kind is None:
            self._draft.replace(self.path)
        else:
            self._draft.unlink(missing_ok=True)

    def add(self, result: Processed, alike: Sequence[Alike] = ()) -> None:
        """Write the section of one file; `alike` are files before it."""
        if self._file is None:
            raise ValueError("the report is not open")
        number = len(self._contents) + 1
        above, name = (html.escape(shown(one.name)) for one in (result.path.parent, result.path))
        folder = f"<small>{above}/</small>" if above else ""
        body = self._failed(result) if result.analysis is None else self._track(result)
        body = self._alike(alike) + body
        with translated():
            self._file.write(f'<section id="t{number}"><h2>{folder}{name}</h2>{body}</section>\n')
        self._contents.append((result.path, self._line(result)))

    def _header(self) -> str:
        cells = self._heads("file", "integrated", "peak", "findings", "versions")
        names = labels(path for path, _ in self._contents)
        numbered = sorted(
            (path, number, line) for number, (path, line) in enumerate(self._contents, 1)
        )
        lines = "".join(
            f'<tr><td><a href="#t{number}">{html.escape(names[path])}</a></td>{line}</tr>'
            for path, number, line in numbered
        )
        order = "".join(
            f"#t{number}{{order:{place}}}" for place, (_, number, _) in enumerate(numbered)
        )
        return (
            f"<style>{order}</style><header>"
            f"<h1>{self._words['title']}</h1><p>Sarau {__version__}</p>"
            f"{report_facts.preset_facts(self._preset, self._language)}"
            f'<div class="wide"><table><thead><tr>{cells}</tr></thead>'
            f"<tbody>{lines}</tbody></table></div></header>"
        )

    def _heads(self, *names: str) -> str:
        return "".join(
            f"<th{_FIGURE if name in _FIGURES else ''}>{self._words[name]}</th>" for name in names
        )

    def _line(self, result: Processed) -> str:
        if result.analysis is None:
            return f'<td colspan="4" class="problem">{self._said(result)}</td>'
        loudness, insight = result.analysis.loudness, result.analysis.insight
        found = [finding.severity for finding in insight.findings] if insight else []
        counts = ", ".join(
            f'<span class="{severity}">{count} {self._words[severity + "s" * (count != 1)]}</span>'
            for severity, count in Counter(found).items()
        )
        verdicts = dict.fromkeys(str(one.evidence.verdict) for one in result.renditions)
        judged = ", ".join(map(self._verdict, verdicts))
        return (
            f"<td{_FIGURE}>{self._figure(loudness.integrated_lufs)}</td>"
            f"<td{_FIGURE}>{self._figure(loudness.true_peak_dbtp)}</td>"
            f"<td>{counts}</td><td>{judged}</td>"
        )

    def _said(self, result: Processed) -> str:
        return html.escape(told(result.error, self._language)) if result.error else ""

    def _alike(self, alike: Sequence[Alike]) -> str:
        lines = []
        for one in alike:
            link = f'<a href="#t{one.number}">{html.escape(shown(one.path.name))}</a>'
            lines.append(f'<li class="note">{alike_sentence(one, link, self._language)}</li>')
        return f"<ul>{''.join(lines)}</ul>" if lines else ""

    def _failed(self, result: Processed) -> str:
        return f'<p class="problem">{self._said(result)}</p>'

    def _track(self, result: Processed) -> str:
        analysis = result.analysis
        if analysis is None:
            return ""
        parts = [
            report_facts.source_facts(analysis.source, self._language),
            self._table(analysis, result.renditions),
            report_facts.warnings(analysis.warnings, self._language),
        ]
        if analysis.insight is not None:
            parts.append(self._findings(analysis.insight, is_clean=not analysis.warnings))
            parts.append(report_facts.insight_facts(analysis.insight, self._language))
        parts.append(pictures(analysis, self._language))
        parts.append(report_facts.tools(result.renditions, self._language))
        return "".join(parts)

    def _table(self, analysis: Analysis, renditions: tuple[Rendition, ...]) -> str:
        cells = self._heads("version", "integrated", "peak", "range", "gain", "target", "verdict")
        rows = [self._row(self._words["source"], analysis.loudness, "", "", "")]
        for one in renditions:
            proof = one.evidence
            target = self._figure(proof.target_lufs)
            if proof.album is not None:
                reached = self._figure(proof.album.integrated_lufs)
                target += f" ({self._words['album']} {reached})"
            gain = self._figure(proof.gain_db, sign="+")
            judged = self._verdict(str(proof.verdict))
            name = html.escape(shown(one.file.path.name))
            rows.append(self._row(name, proof.loudness, gain, target, judged))
        return (
            f'<div class="wide"><table><thead><tr>{cells}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>"
        )

    def _row(self, name: str, loudness: Loudness, gain: str, target: str, judged: str) -> str:
        measured = (loudness.integrated_lufs, loudness.true_peak_dbtp, loudness.range_lu)
        figures = (*map(self._figure, measured), gain, target)
        cells = "".join(f"<td{_FIGURE}>{each}</td>" for each in figures)
        return f"<tr><td>{name}</td>{cells}<td>{judged}</td></tr>"

    def _verdict(self, code: str) -> str:
        return f'<span class="{code}">{verdict(code, self._language)}</span>'

    def _findings(self, insight: Insight, *, is_clean: bool) -> str:
        if not insight.findings:
            return f"<p>{self._words['clean']}</p>" if is_clean else ""
        lines = "".join(
            f'<li class="{one.severity}">{html.escape(sentence(one, self._language))}</li>'
            for one in insight.findings
        )
        return f"<ul>{lines}</ul>"

    def _figure(self, value: float | None, sign: Literal["", "+"] = "") -> str:
        return figure(value, self._language, sign)
