"""Whether bytes are known is asked of a library that may hang, and is waited for only shortly."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contracts.stores import disk_library

from sarau.errors import FailedCode, FailedError
from sarau.library import DiskLibrary
from sarau.library.presence import Presence


class Far(DiskLibrary):
    """A library that answers when it is told to, and counts how often it was asked."""

    def __init__(self, like: DiskLibrary) -> None:
        super().__init__(like.volume)
        self.asked = 0
        self.may_answer = threading.Event()

    def require(self, sha256: str) -> None:
        self.asked += 1
        self.may_answer.wait()
        super().require(sha256)


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    made = Far(disk_library(tmp_path / "e"))
    yield made
    made.may_answer.set()


@pytest.fixture
def sha256(far: Far, tmp_path: Path) -> str:
    sent = tmp_path / "sent"
    sent.write_bytes(b"bytes")
    return far.put(sent).sha256


def test_what_is_there_is_told_from_what_is_not(far: Far, sha256: str) -> None:
    far.may_answer.set()
    presence = Presence(far, wait_s=60.0)
    assert presence.has(sha256)
    assert not presence.has("0" * 64)


def test_a_library_that_hangs_keeps_few_shortly_and_the_others_not_at_all(
    far: Far, sha256: str
) -> None:
    presence = Presence(far, wait_s=0.01, most=2)
    assert [presence.has(sha256) for _ in range(10)] == [False] * 10
    assert far.asked == 2


def test_a_library_that_answers_again_is_asked_again(far: Far, sha256: str) -> None:
    hasty = Presence(far, wait_s=0.0, most=1)
    assert not hasty.has(sha256)
    far.may_answer.set()
    hasty._free.acquire()  # what hung has ended
    hasty._free.release()
    hasty._wait_s = 60.0
    assert hasty.has(sha256)


def test_a_library_that_is_away_has_nothing(far: Far, sha256: str) -> None:
    class Away(DiskLibrary):
        def require(self, sha256: str) -> None:
            raise FailedError(FailedCode.LIBRARY_UNAVAILABLE, sha256)

    assert not Presence(Away(far.volume)).has(sha256)
