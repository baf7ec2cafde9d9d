"""The power is cut while a server serves two clients: nothing acknowledged is lost.

Each protection is then left out once, and the cuts must notice: a test that cannot
fail proves nothing.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.disks import run, tmpfs_at
from tests.faults.power.acts import MIXED, SHORT, write_songs
from tests.faults.power.cutter import Recording, cut, record
from tests.faults.power.mutants import MUTANTS
from tests.faults.power.resuming import not_resumed

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

CUTS = 700
"""At most: before every flush that follows one of another disk, and evenly among the others."""
RESUMED = 6


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    # The disks are in memory, and so are their images: a real disk would only take time.
    with tmpfs_at(tmp_path / "power", "size=300m") as place:
        # Whoever begins a mount namespace of its own meanwhile must not keep them mounted.
        run("mount", "--make-shared", place)
        yield place


def evenly(numbers: list[int], most: int) -> set[int]:
    return {numbers[k * len(numbers) // most] for k in range(most)} if most > 0 else set()


def cuts_of(recording: Recording) -> set[int]:
    turns, flushes = recording.turns(), recording.flushes()
    return {*turns, *evenly(sorted({*flushes} - {*turns}), CUTS - len(turns))}


def test_no_power_cut_breaks_a_promise(folder: Path) -> None:
    recording = record(folder, write_songs(folder / "songs"), "none", MIXED)
    flushes = recording.flushes()
    verdict = cut(recording, folder, at=cuts_of(recording), seed=1)
    print(f"\npower cut: {verdict.cuts} of {len(flushes)} flushes, {verdict}")
    resumed = cut(recording, folder, at=evenly(flushes, RESUMED), seed=2, look=not_resumed)
    print(f"power cut, and started again: {resumed}")
    assert verdict.cuts > CUTS // 2
    assert (verdict.bad, resumed.bad) == (0, 0)


@pytest.mark.parametrize("mutant", sorted(MUTANTS))
def test_a_missing_protection_is_noticed(folder: Path, mutant: str) -> None:
    recording = record(folder, write_songs(folder / "songs"), mutant, SHORT)
    for seed in range(5):
        at = set(recording.turns())
        verdict = cut(recording, folder, at=at, seed=seed, stop_at_first=True)
        print(f"\n{mutant}: noticed after {verdict.cuts} cuts {dict(verdict.kinds)}")
        if verdict.bad:
            return
    pytest.fail(f"{mutant} was never noticed")
