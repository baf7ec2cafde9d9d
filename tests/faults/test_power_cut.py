"""The power is cut at every flush of a mixed run: nothing acknowledged is lost.

Each protection is then left out once, and the cuts must notice: a test that cannot
fail proves nothing.
"""

from pathlib import Path

import pytest
from tests.faults.power.cutter import cut_everywhere, record
from tests.faults.power.workload import MUTANTS

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]


def test_no_power_cut_breaks_a_promise(tmp_path: Path) -> None:
    recording = record(tmp_path, "none", 15)
    verdict = cut_everywhere(recording, tmp_path, seed=1)
    print(f"\npower cut: {verdict.cuts} cuts, {verdict.bad} bad {dict(verdict.kinds)}")
    assert verdict.cuts > 100
    assert verdict.bad == 0


@pytest.mark.parametrize("mutant", sorted(MUTANTS))
def test_a_missing_protection_is_noticed(tmp_path: Path, mutant: str) -> None:
    recording = record(tmp_path, mutant, 10)
    for seed in range(5):
        verdict = cut_everywhere(recording, tmp_path, seed=seed, stop_at_first=True)
        print(f"\n{mutant}: noticed after {verdict.cuts} cuts {dict(verdict.kinds)}")
        if verdict.bad:
            return
    pytest.fail(f"{mutant} was never noticed")
