"""Bars on a terminal, and what is printed meanwhile."""

import io
import sys

import pytest

from sarau.cli.progress import Progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_is_printed_into_a_file_does_not_go_to_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("LC_ALL", "pt_BR.UTF-8")
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress() as progress:
        progress.expect_one()
        print("{}")
    assert capsys.readouterr().out == "{}\n"
    assert "arquivos" in terminal.getvalue()
