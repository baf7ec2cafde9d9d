"""A list longer than the window: it comes page by page, and none of it is lost on the way."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect
from tests.e2e.actions import row
from tests.e2e.conftest import Opener
from tests.servers import Server

from sarau.catalog import Database, tracks
from sarau.model.ids import LOCAL_USER_ID, TrackId, UploadId, new_id
from sarau.model.lifecycle import TrackState

pytestmark = pytest.mark.browser
Scroll = Callable[[], None]

# A browser short of time tells several changes of an observed element in one call.
_TOLD_LATE = """() => {
  const Observer = IntersectionObserver;
  window.IntersectionObserver = class extends Observer {
    constructor(callback, options) {
      let held = [];
      super((entries, observer) => {
        if (held.length === 0) {
          setTimeout(() => {
            const told = held;
            held = [];
            callback(told, observer);
          }, 300);
        }
        held.push(...entries);
      }, options);
    }
  };
}"""


def fill(
    server: Server, count: int, *, first: int = 0, state: TrackState = TrackState.CANCELLED
) -> None:
    """Put tracks "Faixa 0000" and so on in the catalog, the last one newest."""
    server.stop()
    database = Database(f"sqlite:///{server.data / 'sarau.db'}")
    with database.write() as connection:
        for number in range(first, first + count):
            name = f"Faixa {number:04}"
            track = tracks.create(
                connection,
                TrackId(f"{number:04}{new_id()[4:]}"),
                owner_id=LOCAL_USER_ID,
                filename=f"{name}.wav",
                title=name,
                preset="streaming",
                upload_id=UploadId(new_id()),
            )
            tracks.change_state(connection, track, state)
    database.close()
    server.start()


def numbers_shown(page: Page) -> list[int]:
    """Return the numbers of the tracks that are in the document, from the top."""
    return [int(title.split()[-1]) for title in page.locator("[data-track] h3").all_inner_texts()]


def scroll_to_the_oldest(page: Page, each: Scroll = lambda: None) -> None:
    while row(page, "Faixa 0000").count() == 0:
        page.mouse.wheel(0, 4000)
        page.evaluate("() => new Promise(requestAnimationFrame)")
        each()
    expect(row(page, "Faixa 0000")).to_be_visible()


def scroll_to_the_newest(page: Page) -> None:
    """Scroll up until it stays so: a busy browser still turns the wheel for earlier calls."""
    at_rest = """async () => {
        scrollTo(0, 0);
        await new Promise((done) => setTimeout(done, 500));
        return scrollY === 0;
    }"""
    assert any(page.evaluate(at_rest) for _ in range(20))


@pytest.mark.timeout(600)
def test_thousands_of_tracks_keep_the_document_small(open_page: Opener, server: Server) -> None:
    fill(server, 1500)
    page = open_page()
    expect(row(page, "Faixa 1499")).to_be_visible()
    shown = []
    scroll_to_the_oldest(page, lambda: shown.append(page.locator("[data-track]").count()))
    assert max(shown) < 400
    scroll_to_the_newest(page)
    expect(row(page, "Faixa 1499")).to_be_in_viewport()


def test_a_browser_short_of_time_still_shows_the_oldest(open_page: Opener, server: Server) -> None:
    fill(server, 400)
    page = open_page()
    page.add_init_script(f"({_TOLD_LATE})()")
    page.reload()
    expect(row(page, "Faixa 0399")).to_be_visible()
    scroll_to_the_oldest(page)


def test_a_page_that_did_not_come_is_asked_for_again(open_page: Opener, server: Server) -> None:
    fill(server, 120)
    page = open_page()
    expect(row(page, "Faixa 0119")).to_be_visible()

    def refuse(route: Route) -> None:
        route.fulfill(status=503, json={"code": "catalog_unavailable", "detail": "later"})

    older = "**/api/v1/tracks?*before=*"
    page.route(older, refuse)
    page.mouse.wheel(0, 20_000)
    again = page.get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    page.unroute(older)
    again.click()
    expect(row(page, "Faixa 0069")).to_be_attached()
    expect(row(page, "Faixa 0119")).to_be_attached()
    scroll_to_the_oldest(page)


@pytest.mark.timeout(600)
def test_what_came_while_the_page_was_cut_off_is_all_there(
    open_page: Opener, server: Server
) -> None:
    fill(server, 130)
    page = open_page()
    expect(row(page, "Faixa 0129")).to_be_visible()
    scroll_to_the_oldest(page)
    page.evaluate("() => scrollTo(0, 0)")
    single: list[str] = []
    page.on("request", lambda r: single.append(r.url) if "/api/v1/tracks/" in r.url else None)
    fill(server, 270, first=130)
    expect(row(page, "Faixa 0399")).to_be_attached()
    page.evaluate("() => scrollTo(0, 0)")
    seen: set[int] = set()

    def look() -> None:
        shown = numbers_shown(page)
        assert shown == sorted(shown, reverse=True)
        seen.update(shown)

    scroll_to_the_oldest(page, look)
    look()
    assert seen == set(range(400))
    assert len(single) < 20


def test_a_change_that_could_not_be_fetched_is_fetched_later(
    open_page: Opener, server: Server
) -> None:
    fill(server, 3)
    page = open_page()
    expect(row(page, "Faixa 0002")).to_be_visible()
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if refused or route.request.method != "GET":
            route.fallback()
            return
        refused.append(route.request.url)
        route.fulfill(status=503, json={"code": "catalog_unavailable"})

    page.route("**/api/v1/tracks/*", refuse_once)
    with server.client() as client:
        newest = client.get("/api/v1/tracks").json()["items"][0]["id"]
        client.patch(f"/api/v1/tracks/{newest}", json={"title": "Outro nome"})
    expect(row(page, "Outro nome")).to_be_visible()
    assert len(refused) == 1


def test_what_a_search_found_stays_when_it_changes(open_page: Opener, server: Server) -> None:
    fill(server, 2)
    with server.client() as client:
        newest = client.get("/api/v1/tracks").json()["items"][0]["id"]
        client.patch(f"/api/v1/tracks/{newest}", json={"title": "Fogueira de São João"})
        page = open_page()
        page.get_by_role("searchbox").fill("joao sao")
        expect(row(page, "Faixa 0000")).to_have_count(0)
        client.patch(f"/api/v1/tracks/{newest}", json={"artist": "Lia Andrade"})
        expect(row(page, "Fogueira de São João")).to_contain_text("Lia Andrade")


def test_the_filters_stay_under_the_hands(open_page: Opener, server: Server) -> None:
    fill(server, 2)
    page = open_page()
    expect(row(page, "Faixa 0001")).to_be_visible()
    search = page.get_by_role("searchbox")
    search.fill("nada disso")
    expect(page.get_by_text("Nothing here matches.")).to_be_visible()
    search.fill("")
    expect(row(page, "Faixa 0001")).to_be_visible()
    expect(search).to_be_focused()
    for name in ("Ready", "All"):
        page.get_by_role("button", name=name).press("Enter")
        expect(page.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
        expect(page.locator("[data-track]")).to_have_count(2 if name == "All" else 0)
        expect(page.get_by_role("button", name=name)).to_be_focused()
        expect(page.locator(".hero.inviting")).to_have_count(0)


def test_trying_all_again_goes_on_past_those_that_cannot_be(
    open_page: Opener, server: Server
) -> None:
    fill(server, 3, state=TrackState.FAILED)
    page = open_page()
    expect(row(page, "Faixa 0002")).to_be_visible()
    expect(page.get_by_role("button", name="Retry Faixa")).to_have_count(0)
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fallback()  # its bytes are gone: 409
            return
        with server.client() as client:
            track = client.get(route.request.url.removesuffix("/retry")).json()
        route.fulfill(json=track | {"state": "received"})

    page.route("**/retry", answer)
    page.get_by_role("button", name="Retry all that failed").click()
    expect(page.get_by_text("2 tracks are being tried again.")).to_be_visible()
    assert len(asked) == 3
