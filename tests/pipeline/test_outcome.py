import pytest

from sarau.errors import CancelledRunError, FailedCode, FailedError, RejectedCode, RejectedError
from sarau.pipeline import outcome
from sarau.pipeline.outcome import Outcome, Plain, attempt, from_plain


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (RejectedError(RejectedCode.CORRUPT, "x"), "rejected", RejectedCode.CORRUPT),
        (FailedError(FailedCode.DISK_FULL, "x"), "failed", FailedCode.DISK_FULL),
        (CancelledRunError(), "closed", None),
        (KeyError("x"), "failed", FailedCode.INTERNAL),
    ],
)
def test_whatever_happens_becomes_an_outcome(error: Exception, kind: str, code: object) -> None:
    def work() -> Plain:
        raise error

    found = attempt(work)
    assert (found.kind, found.code) == (kind, code)
    assert from_plain(found.to_plain()) == found


def test_a_passing_trouble_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome, "_PAUSE_S", 0)
    calls: list[int] = []

    def work() -> Plain:
        calls.append(1)
        if len(calls) < 3:
            raise FailedError(FailedCode.ENGINE_CRASHED)
        return {"x": 1}

    assert attempt(work) == Outcome("done", {"x": 1})


def test_a_short_outage_of_the_database_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome, "_PAUSE_S", 0)
    troubles = [FailedCode.DATABASE_UNAVAILABLE] * 90 + [FailedCode.ENGINE_CRASHED] * 2

    def work() -> Plain:
        if troubles:
            raise FailedError(troubles.pop(0))
        return {"x": 1}

    assert attempt(work) == Outcome("done", {"x": 1})


@pytest.mark.parametrize(
    ("code", "tries"), [(FailedCode.ENGINE_CRASHED, 3), (FailedCode.DATABASE_UNAVAILABLE, 120)]
)
def test_a_lasting_trouble_is_tried_some_times_and_then_told(
    monkeypatch: pytest.MonkeyPatch, code: FailedCode, tries: int
) -> None:
    monkeypatch.setattr(outcome, "_PAUSE_S", 0)
    calls: list[int] = []

    def work() -> Plain:
        calls.append(1)
        raise FailedError(code, "again")

    assert attempt(work).code is code
    assert len(calls) == tries
