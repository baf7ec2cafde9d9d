"""Figures that tests print at the end of the run, in whichever process each of them ran."""

from collections.abc import Callable

import pytest

Tell = Callable[[str, list[str]], None]
"""Takes a heading and lines."""
TABLE = "table"
"""Under this name a test's report carries a heading and lines."""


class Tables:
    """Collects what the tests told, by heading."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a test told once it is over."""
        if report.when != "teardown":
            return
        for name, told in report.user_properties:
            if name == TABLE and isinstance(told, tuple | list):
                heading, lines = told
                self._lines.setdefault(heading, []).extend(lines)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the tables."""
        for heading, lines in self._lines.items():
            terminalreporter.write_sep("-", heading)
            for line in lines:
                terminalreporter.write_line(line)
