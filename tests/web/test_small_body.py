"""A body that is no file is small, and is not waited for without end."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.web.conftest import Open
from tests.web.in_process import ask

from sarau.web import reception
from sarau.web.small_body import MOST_BYTES

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
Content = bytes | AsyncIterator[bytes]
JSON = {"Content-Type": "application/json"}


async def _streamed(size: int) -> AsyncIterator[bytes]:
    for _ in range(size >> 10):
        yield b"a" * 1024


async def _stalled() -> AsyncIterator[bytes]:
    yield b"a"
    await asyncio.Event().wait()


def test_a_body_that_is_too_large_or_does_not_come_is_refused(
    open_here: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_here(token="a token")
    requests = [("/login", FORM), ("/api/v1/presets", JSON)]

    def refusal(path: str, headers: dict[str, str], content: Content) -> tuple[int, str]:
        allowed = headers | {"Authorization": "Bearer a token"}
        answer = ask(app, "POST", path, headers=allowed, content=content)
        return answer.status_code, answer.json()["code"]

    for path, headers in requests:
        too_large = (413, "body_too_large")
        assert refusal(path, headers, b"a" * (MOST_BYTES + 1)) == too_large
        assert refusal(path, headers, _streamed(2 * MOST_BYTES)) == too_large
    monkeypatch.setattr(reception, "IDLE_S", 0.05)
    assert [refusal(*one, _stalled()) for one in requests] == [(408, "body_timeout")] * 2


def test_a_body_of_the_largest_size_is_read(open_here: Open) -> None:
    app = open_here(token="a token")
    body = b"token=a+token&more="
    answer = ask(app, "POST", "/login", headers=FORM, content=body.ljust(MOST_BYTES, b"a"))
    assert answer.status_code == 303


def test_what_has_no_route_is_answered_without_its_body(open_here: Open) -> None:
    """A file that is sent to the address with a slash behind it is sent on to the right one."""
    app = open_here()

    def post(path: str) -> httpx.Response:
        return ask(app, "POST", path, content=b"a" * (MOST_BYTES + 1))

    moved = post("/api/v1/tracks/?filename=a.wav")
    assert moved.status_code == 307
    assert moved.headers["location"] == "http://localhost/api/v1/tracks?filename=a.wav"
    assert post("/nowhere").status_code == 404
    assert post("/api/v1/session").status_code == 405
