"""The guide's fault table says what the tests promise, of every row it holds."""

from pathlib import Path

from tests.faults.table import ROWS

GUIDE = Path(__file__).parent.parent / "docs" / "guide" / "durability.md"


def test_the_guide_promises_what_the_tests_try_and_nothing_was_lost() -> None:
    lines = [line for line in GUIDE.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    table = [row for row in cells if len(row) == 5 and row[1].isdigit()]
    assert len(table) > 8
    assert all(ROWS[row[0]] == row[4] for row in table)
    assert all(row[3] == "0" for row in table)
