"""The rows of the fault table: what is broken, and what is promised then.

docs/guide/durability.md holds what a run printed; tests/test_fault_table.py compares its rows
with these. The power cuts print their own counts (test_power_cut.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

FAULT = "fault"
"""Under this name a test's report carries what it broke, to whichever process prints."""

KILLED = "server killed at a system call (strace)"
SYNC_D = "`fdatasync` on D: EIO"
SYNC_E = "`fsync` on E: EIO"
UNREADABLE = "a file on D cannot be read: EIO"
FULL_D = "D full, writes cut short"
FULL_E = "E full"
INODES = "D without inodes"
READ_ONLY = "D remounted read-only"
READ_ONLY_E = "E remounted read-only"
HUNG = "D hangs (fsfreeze)"
HUNG_E = "E hangs (fsfreeze)"
UNMOUNTED = "D not mounted"
UNMOUNTED_E = "E not mounted"
WRONG = "another disk in the place of D or E"
ENGINE = "decoder cannot be loaded"

ROWS: dict[str, str] = {
    KILLED: "acknowledged offsets hold, the files are finished",
    SYNC_D: "503 `disk_error`; upload damaged, never synced again; D suspect until a restart",
    SYNC_E: "track `failed` with `disk_error`; E suspect until a restart, then ready",
    UNREADABLE: "track `failed` with `source_damaged`; nothing else is held up",
    FULL_D: "507 `out_of_space` before, 507 `disk_full` while; goes on with room",
    FULL_E: "track `failed` with `disk_full`; ready once there is room",
    INODES: "507, and no upload without its file",
    READ_ONLY: "503 `disk_error`; goes on when it is writable",
    READ_ONLY_E: "track `failed` with `disk_error`; ready once it is writable",
    HUNG: "its uploads wait, everybody else is served",
    HUNG_E: "uploads are taken meanwhile; the track is ready after it",
    UNMOUNTED: "503 `volume_missing`; nothing is written beneath",
    UNMOUNTED_E: "uploads are taken; track `failed` with `volume_missing`, ready once it is there",
    WRONG: "503 `volume_mismatch`; nothing is written to it; no start",
    ENGINE: "track `failed` with `engine_missing`; ready once it is mended",
}


@dataclass(frozen=True)
class Row:
    """What a run of the tests met."""

    promise: str
    points: int = 0
    hit: int = 0
    lost: int = 0

    def plus(self, points: int, hit: int, lost: int) -> "Row":
        return replace(self, points=self.points + points, hit=self.hit + hit, lost=self.lost + lost)

    def line(self, fault: str) -> str:
        """Return the row in Markdown."""
        return f"| {fault} | {self.points} | {self.hit} | {self.lost} | {self.promise} |"


class FaultTable:
    """Adds up what the tests told, in whichever process each ran."""

    def __init__(self) -> None:
        self._met: dict[str, Row] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a test told once it is over."""
        if report.when != "teardown":
            return
        for name, told in report.user_properties:
            if name == FAULT and isinstance(told, tuple | list):
                fault, points, hit, lost = told
                before = self._met.get(fault, Row(ROWS[fault]))
                self._met[fault] = before.plus(points, hit, lost)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table."""
        if not self._met:
            return
        terminalreporter.write_sep("-", "fault table")
        for text in self._lines():
            terminalreporter.write_line(text)

    def _lines(self) -> Iterator[str]:
        yield "| Broken | Tried | Took place | Lost | Answer |"
        yield "|---|---|---|---|---|"
        for fault in ROWS:
            if fault in self._met:
                yield self._met[fault].line(fault)
