import itertools

import pytest

from sarau.errors import RefusedError
from sarau.model.lifecycle import TrackState, check_change

ALLOWED = {
    ("receiving", "received"), ("receiving", "cancelled"), ("receiving", "expired"),
    ("receiving", "failed"), ("received", "processing"), ("received", "failed"),
    ("received", "cancelled"), ("processing", "ready"), ("processing", "rejected"),
    ("processing", "failed"), ("processing", "cancelled"),
    ("ready", "deleted"), ("rejected", "deleted"), ("failed", "received"), ("failed", "deleted"),
    ("cancelled", "received"), ("cancelled", "deleted"), ("expired", "deleted"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new"), list(itertools.product(TrackState, TrackState)))
def test_only_the_changes_of_the_lifecycle_are_allowed(old: TrackState, new: TrackState) -> None:
    if (old, new) in ALLOWED:
        check_change(old, new)
    else:
        with pytest.raises(RefusedError, match="wrong_state"):
            check_change(old, new)


def test_every_state_can_end() -> None:
    reachable = {"deleted"}
    for _ in TrackState:
        reachable |= {old for old, new in ALLOWED if new in reachable}
    assert reachable == set(TrackState)
