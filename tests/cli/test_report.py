"""`sarau process --report`: one file that tells everything and needs nothing."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.commands import sarau
from tests.sounds import write_music

from sarau.cli.batch import Processed
from sarau.cli.report import Report, report_path
from sarau.cli.report_text import _WORDS, percent
from sarau.errors import RejectedCode, RejectedError
from sarau.model.preset import PRESETS


class Reader(HTMLParser):
    """Notes what tags ask for, and that all of them are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.asked_for: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "img", "path", "line"}:
            self.open.append(tag)
        self.asked_for += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def album(tmp_path: Path) -> Path:
    place = tmp_path / "album"
    place.mkdir()
    write_music(place / "01 Aurora & <b>co.wav", seconds=4)
    (place / "02 broken.wav").write_text("not music at all")
    return place


def test_the_report_holds_every_file_and_asks_for_nothing(album: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = sarau("process", album, "--to", out, "--preset", "archive", "--report", out)
    assert done.returncode == 1, done.stderr
    text = (out / "report.html").read_text()
    page = Reader()
    page.feed(text)
    assert page.open == []
    assert all(asked.startswith(("data:image/png;base64,", "#t")) for asked in page.asked_for)
    assert not re.search(r"url\(|@import|<script|<b>", text)
    assert "01 Aurora & <b>co.wav" in page.text
    assert "Both channels are the same" not in page.text
    assert "This is not an audio file" in page.text
    assert text.count("<svg") == text.count("aria-label=") == 2
    assert text.count("<img") == 1
    for told in (
        "pcm_s16le",
        "44.1\u00a0kHz",
        "16 bits",
        "2 (stereo)",
        "0:04.0",
        "archive",
        "libavcodec",
    ):
        assert told in page.text
    for name in ("Correlation", "Noise floor, dBFS", "DC offset, % of full scale", "Bandwidth"):
        assert name in page.text
    assert page.text.count("0:000:010:020:030:04") == 3
    assert not list(out.glob("*.new"))


def test_warnings_are_told_in_the_report_and_under_the_table(tmp_path: Path) -> None:
    """Of a file whose header does not say how long it is."""
    music = write_music(tmp_path / "a.wav", seconds=1)
    data = bytearray(music.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = data[4:8] = b"\xff" * 4
    music.write_bytes(data)
    done = sarau("process", music, "--to", "out", "--report", "r.html", place=tmp_path)
    said = "The header does not say how long it is"
    assert f"a.wav: to check: {said}" in done.stdout
    assert said in (tmp_path / "r.html").read_text()


def test_old_results_are_in_the_report_too(album: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "out", tmp_path / "deep" / "relato.html"
    sarau("process", album, "--to", out, "--preset", "archive")
    sarau("process", album, "--to", out, "--preset", "archive", "--report", report)
    assert report.read_text().count("<svg") == 2


def test_a_directory_and_a_file_are_told_apart(tmp_path: Path) -> None:
    assert report_path(tmp_path) == tmp_path / "report.html"
    assert report_path(tmp_path / "new") == tmp_path / "new" / "report.html"
    assert report_path(tmp_path / "a.HTML") == tmp_path / "a.HTML"


def test_percent_is_said_as_on_the_page_and_is_100_only_at_the_end() -> None:
    shares = (-0.001, 0.684, 0.9999, 1)
    assert [percent(share) for share in shares] == [f"{n}\u00a0%" for n in (0, 68, 99, 100)]


def test_every_word_is_said_in_both_languages() -> None:
    assert all(portuguese and english for portuguese, english in _WORDS.values())
    same = {name for name, (portuguese, english) in _WORDS.items() if portuguese == english}
    assert same == {"integrated", "codec", "rms", "preset"}


def interrupt(path: Path, result: Processed) -> None:
    with Report(path, "en", PRESETS["streaming"]) as report:
        report.add(result)
        raise KeyboardInterrupt


def test_it_speaks_portuguese_and_an_interrupted_one_leaves_nothing(tmp_path: Path) -> None:
    broken = Processed(tmp_path / "a.wav", error=RejectedError(RejectedCode.EMPTY_FILE, "0 bytes"))
    path = tmp_path / "r.html"
    with Report(path, "pt-BR", PRESETS["streaming"]) as report:
        report.add(broken)
    assert '<html lang="pt-BR">' in path.read_text()
    assert "O arquivo está vazio" in path.read_text()
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        interrupt(path, broken)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
