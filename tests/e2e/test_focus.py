"""Where the focus is: into a dialog and back to what opened it; and a long tag, unfolded by key."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mutagen.id3 import COMM, USLT
from mutagen.wave import WAVE
from playwright.sync_api import Page, expect
from tests.e2e.actions import row, row_in, send
from tests.e2e.conftest import Opener
from tests.servers import Server

pytestmark = pytest.mark.browser
Sound = Callable[..., Path]
TOKEN = "abre-te-sesamo"


@pytest.fixture
def page(make_server: Callable[..., Server], open_page: Opener) -> Page:
    """The page of a server with a token, behind its door."""
    found = open_page(make_server(SARAU_TOKEN=TOKEN).url)
    found.locator("#token").fill(TOKEN)
    found.keyboard.press("Enter")
    expect(found.get_by_role("radio", name="Streaming")).to_be_visible()
    return found


def test_a_dialog_takes_the_focus_and_gives_it_back(page: Page, tmp_path: Path) -> None:
    dialog = page.get_by_role("dialog")

    new = page.get_by_role("button", name="Your own preset")
    new.press("Enter")
    expect(dialog.get_by_label("Name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(new).to_be_focused()
    new.press("Enter")
    dialog.get_by_role("button", name="Cancel").press("Enter")
    expect(dialog).to_have_count(0)
    expect(new).to_be_focused()

    (tmp_path / "noise.wav").write_text("no music")
    send(page, tmp_path / "noise.wav")
    noise = row_in(page, "noise", "rejected")
    noise.get_by_role("button", name="Details of noise").press("Enter")
    delete = noise.get_by_role("button", name="Delete")
    delete.press("Enter")
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(delete).to_be_focused()

    page.context.clear_cookies()
    for way_out in ("Escape", "Enter"):
        delete.press("Enter")
        page.get_by_role("dialog", name="Delete").get_by_role("button", name="Delete").press(
            "Enter"
        )
        door = page.get_by_role("dialog", name="Come on in")
        expect(door.get_by_label("Token")).to_be_focused()
        page.keyboard.type(TOKEN)
        page.keyboard.press(way_out)
        expect(dialog).to_have_count(0)
        expect(delete).to_be_focused()


def test_long_tags_are_folded(page: Page, sound: Sound) -> None:
    song = sound("Toada.wav", 1)
    lyrics = "\n".join(f"verse {number}, and it goes on" for number in range(500))
    tagged = WAVE(song)
    tagged.add_tags()
    tagged.tags.add(COMM(encoding=3, lang="por", desc="", text="gravado em casa"))
    tagged.tags.add(USLT(encoding=3, lang="por", desc="", text=lyrics))
    tagged.save()
    send(page, song)
    expect(row_in(page, "Toada", "ready")).to_be_visible()
    toada = row(page, "Toada")
    toada.get_by_role("button", name="Details of Toada").click()
    expect(toada.get_by_text("gravado em casa")).to_be_visible()
    fold = toada.get_by_role("button", name="Show all: lyrics")
    expect(fold).to_have_attribute("aria-expanded", "false")
    expect(toada).to_contain_text("verse 1,")
    expect(toada).not_to_contain_text("verse 499")
    fold.press("Enter")
    expect(toada).to_contain_text("verse 499")
    less = toada.get_by_role("button", name="Show less: lyrics")
    expect(less).to_be_focused()
    less.press("Enter")
    expect(toada).not_to_contain_text("verse 499")
