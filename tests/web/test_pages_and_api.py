"""Promises of the page and the API that need neither a port nor a track."""

from datetime import timedelta

import pytest
from starlette.types import Receive, Scope, Send
from tests.web.conftest import Open
from tests.web.in_process import ask

from sarau.model.clock import now
from sarau.web.api import views
from sarau.web.body_sink import INTERIM
from sarau.web.tus.draft import INTEROP_VERSION

HTTPS = "https://sarau.example"


def test_events_after_a_number_that_none_can_have_are_refused(open_here: Open) -> None:
    app = open_here()
    for number in ("9" * 25, str(2**63), "-1"):
        asked = ask(app, "GET", "/api/v1/events", params={"after": number})
        resumed = ask(app, "GET", "/api/v1/events", headers={"Last-Event-ID": number})
        for answer in (asked, resumed):
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_a_page_can_be_asked_for_its_head_alone(open_here: Open) -> None:
    app = open_here(token="a token")
    known = {"Authorization": "Bearer a token"}
    assert ask(app, "HEAD", "/login").status_code == 200
    assert ask(app, "HEAD", "/", headers=known).status_code == 200


def test_an_upload_says_how_long_nothing_of_it_came_by_our_own_clock(
    open_here: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_here()
    begun = {"Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": "filename YS53YXY="}
    assert ask(app, "POST", "/files", headers=begun).status_code == 201
    monkeypatch.setattr(views, "now", lambda: now() + timedelta(minutes=20))
    (track,) = ask(app, "GET", "/api/v1/tracks").json()["items"]
    assert 1200 <= track["upload"]["idle_s"] < 2400


@pytest.mark.parametrize(
    ("public_url", "host", "is_secure"),
    [
        (None, "localhost", False),
        ("http://sarau.lan", "sarau.lan", False),
        (HTTPS, "sarau.example", True),
        (HTTPS, "Sarau.Example", True),
        (HTTPS, "192.168.1.5:8000", False),
        (HTTPS, "sarau.example:8000", False),
    ],
)
def test_the_session_is_kept_to_tls_where_the_page_has_it(
    open_here: Open,
    public_url: str | None,
    host: str,
    is_secure: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Past the proxy there is none, and a browser drops a cookie that is kept to it."""
    app = open_here(token="a token", public_url=public_url)
    answer = ask(app, "POST", "/login", data={"token": "a token"}, headers={"Host": host})
    assert answer.status_code == 303
    assert ("secure" in answer.headers["set-cookie"].lower().split("; ")) == is_secure


@pytest.mark.parametrize(("public_url", "expected"), [(None, [104]), (HTTPS, [])])
def test_no_interim_answer_is_sent_to_a_proxy(
    open_here: Open, public_url: str | None, expected: list[int]
) -> None:
    sent: list[int] = []
    app = open_here(public_url=public_url)

    async def interim(status: int, _phrase: str, _headers: dict[str, str]) -> bool:
        sent.append(status)
        return True

    async def below(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "extensions": {INTERIM: interim}}, receive, send)

    headers = {"Upload-Complete": "?0", "Upload-Draft-Interop-Version": INTEROP_VERSION}
    assert ask(below, "POST", "/files", headers=headers, content=b"abc").status_code == 201
    assert sent == expected
