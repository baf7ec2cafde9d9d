"""Many who ask, one who looks, and nobody who waits for what never answers."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sarau.errors import FailedCode
from sarau.library.lookout import Lookout

Seen = tuple[FailedCode | None, str | None]
WELL: Seen = (None, None)


def _lookout(look: Callable[[], Seen], **seconds: float) -> Lookout[Seen]:
    return Lookout(
        look,
        lambda code, detail: (code, detail),
        silent=FailedCode.LIBRARY_UNAVAILABLE,
        **seconds,
    )


class Far:
    """A place that answers when it is told to, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = threading.Event()
        self.has_answered = threading.Event()

    def look(self) -> Seen:
        self.asked += 1
        self.may_answer.wait()
        self.has_answered.set()
        return WELL


@pytest.fixture
def far() -> Iterator[Far]:
    made = Far()
    yield made
    made.may_answer.set()


def test_an_answer_is_kept_for_a_while(far: Far) -> None:
    far.may_answer.set()
    lookout = _lookout(far.look)
    assert [lookout.answer() for _ in range(3)] == [WELL] * 3
    assert far.asked == 1


def test_an_old_answer_is_not_given(far: Far) -> None:
    far.may_answer.set()
    lookout = _lookout(far.look, keep_s=0.0)
    assert [lookout.answer() for _ in range(3)] == [WELL] * 3
    assert far.asked == 3


def test_what_does_not_answer_is_asked_once_and_keeps_nobody(far: Far) -> None:
    lookout = _lookout(far.look, wait_s=0.05)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: lookout.answer(), range(50)))
    assert {code for code, _ in answers} == {FailedCode.LIBRARY_UNAVAILABLE}
    assert far.asked == 1
    far.may_answer.set()
    far.has_answered.wait()
    assert _lookout(far.look).answer() == WELL


def test_who_asks_while_it_looks_gets_what_is_seen(far: Far) -> None:
    lookout = _lookout(far.look, wait_s=60.0)
    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(lookout.answer) for _ in range(4)]
        far.may_answer.set()
        assert [one.result() for one in asking] == [WELL] * 4
    assert far.asked == 1


def test_a_look_that_breaks_is_an_answer() -> None:
    def look() -> Seen:
        raise RuntimeError("torn")

    assert _lookout(look).answer() == (FailedCode.INTERNAL, "RuntimeError: torn")
