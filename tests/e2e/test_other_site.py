"""A page of another site uploads, in a real browser that asks before it lets it."""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from tests.servers import Server

pytestmark = pytest.mark.browser

TOKEN = "correct horse battery staple"
UPLOAD = """
async ({url, token, credentials}) => {
    const bearer = token ? {Authorization: `Bearer ${token}`} : {};
    const ask = (address, method, headers, body) => fetch(address, {
        method, body, credentials, headers: {...bearer, "Tus-Resumable": "1.0.0", ...headers},
    });
    try {
        const made = await ask(`${url}/files/`, "POST", {"Upload-Length": "6"});
        if (made.status !== 201) return {status: made.status};
        const location = made.headers.get("Location");
        const bytes = {"Content-Type": "application/offset+octet-stream"};
        await ask(location, "PATCH", {...bytes, "Upload-Offset": "0"}, "abc");
        const head = await ask(location, "HEAD", {});
        const offset = head.headers.get("Upload-Offset");
        const last = await ask(location, "PATCH", {...bytes, "Upload-Offset": offset}, "def");
        const track = made.headers.get("Sarau-Track");
        return {status: last.status, offset, track, end: last.headers.get("Upload-Offset")};
    } catch (error) {
        return {error: error.name};
    }
}
"""
DRAFT = """
async ({url, token}) => {
    const made = await fetch(`${url}/files/`, {
        method: "POST", body: "abcdef", headers: {
            "Authorization": `Bearer ${token}`, "Upload-Complete": "?1",
            "Upload-Draft-Interop-Version": "8", "Content-Disposition": 'a; filename="x.wav"',
        },
    });
    return {status: made.status, complete: made.headers.get("Upload-Complete")};
}
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """Another site; to a browser another port is one."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<!doctype html><title>Studio</title>")
    handler = functools.partial(_Quiet, directory=str(tmp_path / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


@contextmanager
def page_at(browser: Browser, site: str, *before: str) -> Iterator[Any]:
    context = browser.new_context()
    page = context.new_page()
    for url in before:
        page.goto(url)
        page.fill("input[name=token]", TOKEN)
        page.click("button[type=submit]")
        page.wait_for_url(lambda found: not found.endswith("/login"))
    page.goto(site)
    yield page
    context.close()


def tracks(server: Server) -> list[dict[str, Any]]:
    with server.client(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        found: list[dict[str, Any]] = client.get("/api/v1/tracks").json()["items"]
    return found


def test_a_page_of_an_allowed_site_uploads(
    browser: Browser, site: str, make_server: Callable[..., Server]
) -> None:
    server = make_server(SARAU_TOKEN=TOKEN, SARAU_ALLOWED_ORIGINS=site)
    given = {"url": server.url, "token": TOKEN, "credentials": "same-origin"}
    with page_at(browser, site) as page:
        found = page.evaluate(UPLOAD, given)
        by_draft = page.evaluate(DRAFT, given)
    assert (found["status"], found["offset"], found["end"]) == (204, "3", "6")
    assert by_draft == {"status": 201, "complete": "?1"}
    assert found["track"] in {track["id"] for track in tracks(server)}
    assert len(tracks(server)) == 2


def test_the_cookie_of_our_own_page_lets_no_other_page_in(
    browser: Browser, site: str, make_server: Callable[..., Server]
) -> None:
    """Two ports of a host are one site to a browser: it sends the cookie, strict or not."""
    server = make_server(SARAU_TOKEN=TOKEN, SARAU_ALLOWED_ORIGINS=site)
    with page_at(browser, site, f"{server.url}/login") as page:
        for credentials in ("same-origin", "include"):
            given = {"url": server.url, "token": None, "credentials": credentials}
            found = page.evaluate(UPLOAD, given)
            assert found in ({"status": 401}, {"error": "TypeError"})
    assert tracks(server) == []


def test_a_page_of_another_site_is_stopped_by_the_browser(
    browser: Browser, site: str, make_server: Callable[..., Server]
) -> None:
    server = make_server(SARAU_TOKEN=TOKEN, SARAU_ALLOWED_ORIGINS="https://studio.example")
    with page_at(browser, site) as page:
        given = {"url": server.url, "token": TOKEN, "credentials": "same-origin"}
        assert page.evaluate(UPLOAD, given) == {"error": "TypeError"}
    assert tracks(server) == []
