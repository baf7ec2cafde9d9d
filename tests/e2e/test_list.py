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


def fill(server: Server, count: int) -> None:
    """Put tracks "Faixa 0000" and so on in the catalog, the last one newest."""
    server.stop()
    database = Database(f"sqlite:///{server.data / 'sarau.db'}")
    with database.write() as connection:
        for number in range(count):
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
            tracks.change_state(connection, track, TrackState.CANCELLED)
    database.close()
    server.start()


def scroll_to_the_oldest(page: Page, each: Scroll = lambda: None) -> None:
    while row(page, "Faixa 0000").count() == 0:
        page.mouse.wheel(0, 4000)
        page.evaluate("() => new Promise(requestAnimationFrame)")
        each()
    expect(row(page, "Faixa 0000")).to_be_visible()


@pytest.mark.timeout(600)
def test_thousands_of_tracks_keep_the_document_small(open_page: Opener, server: Server) -> None:
    fill(server, 1500)
    page = open_page()
    expect(row(page, "Faixa 1499")).to_be_visible()
    shown = []
    scroll_to_the_oldest(page, lambda: shown.append(page.locator("[data-track]").count()))
    assert max(shown) < 400
    page.evaluate("() => scrollTo(0, 0)")
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
