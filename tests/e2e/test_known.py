"""A file that is here already is not sent again: the page says what its bytes come to."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, expect
from tests.e2e.actions import row_in, send
from tests.e2e.conftest import Opener
from tests.servers import Server

pytestmark = pytest.mark.browser
Sound = Callable[..., Path]
OVER_A_MEGABYTE_S = 8


class Sent:
    """What the page asks the server for uploads."""

    def __init__(self, page: Page) -> None:
        self.requests: list[Request] = []
        page.on("request", lambda one: self.requests.append(one) if "/files/" in one.url else None)

    @property
    def methods(self) -> list[str]:
        return [one.method for one in self.requests]


@pytest.mark.parametrize(
    ("locale", "sentence"),
    [
        ("pt-BR", "1 arquivo já estava aqui e não precisou ser enviado."),
        ("en", "1 file was here already and needed no sending."),
    ],
)
def test_a_file_that_is_here_is_not_sent_again(
    open_page: Opener, server: Server, sound: Sound, locale: str, sentence: str
) -> None:
    page = open_page(locale=locale)
    first = sound("Chorinho.wav", OVER_A_MEGABYTE_S)
    send(page, first)
    expect(row_in(page, "Chorinho", "ready")).to_be_visible()
    again = first.with_name("Chorinho outra vez.wav")
    shutil.copy(first, again)
    sent = Sent(page)
    send(page, again)
    expect(page.get_by_text(sentence)).to_be_visible()
    expect(row_in(page, "Chorinho outra vez", "ready")).to_be_visible()
    assert sent.methods == ["POST"]
    assert page.evaluate("() => localStorage.length") == 0  # nothing to be resumed
    with server.client() as client:
        items = client.get("/api/v1/tracks").json()["items"]
    assert [item["duplicate_of"] for item in items] == [items[1]["id"], None]


def test_files_that_are_new_are_sent_after_the_look(open_page: Opener, sound: Sound) -> None:
    page = open_page()
    sent = Sent(page)
    names = [f"Novo {n}" for n in range(4)]
    send(page, *[sound(f"{name}.wav", OVER_A_MEGABYTE_S) for name in names])
    expect(page.get_by_text("4 files arrived.")).to_be_visible()
    for name in names:
        expect(row_in(page, name, "ready")).to_be_visible()
    created = [one for one in sent.requests if one.method == "POST"]
    assert len(created) == 4
    assert all("sha256 " in one.headers["upload-metadata"] for one in created)


def test_without_the_worker_files_are_sent_all_the_same(open_page: Opener, sound: Sound) -> None:
    page = open_page()
    page.route("**/hash.js", lambda route: route.abort())
    sent = Sent(page)
    send(page, sound("Sem ajuda.wav", OVER_A_MEGABYTE_S))
    expect(row_in(page, "Sem ajuda", "ready")).to_be_visible()
    assert sent.methods == ["POST", "PATCH"]
