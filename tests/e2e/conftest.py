"""A real browser in front of a real server."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright
from tests.servers import Server
from tests.sounds import write_music

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_PATIENCE_MS = 60_000

Opener = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, once per worker."""
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture
def open_page(browser: Browser, server: Server) -> Iterator[Opener]:
    """Open the page as a person of some language would, one who wants nothing to move.

    Without a graphics card, to move is most of what a browser does.
    At the end nothing may have been thrown, no policy broken, and nothing asked of
    another host.
    """
    contexts = []
    thrown: list[str] = []
    foreign: list[str] = []

    def watch(request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "blob:", "data:")):
            foreign.append(request.url)

    def open_(url: str = server.url, **options: Any) -> Page:
        context = browser.new_context(**{"locale": "en", "reduced_motion": "reduce", **options})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: thrown.append(str(error)))
        page.on("console", lambda m: thrown.append(m.text) if "Content Security" in m.text else 0)
        page.on("request", watch)
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert thrown == []
    assert foreign == []


@pytest.fixture
def sound(tmp_path: Path) -> Callable[..., Path]:
    """Make a WAV of some seconds, under a name; each name has its own bytes."""

    def make(name: str, seconds: float = 2.0) -> Path:
        return write_music(tmp_path / name, seconds=seconds, seed=sum(name.encode()))

    return make
