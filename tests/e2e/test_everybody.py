"""The page is for everybody: readers of both languages, keyboards, screen readers, phones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.actions import row, row_in, send
from tests.e2e.conftest import Opener
from tests.servers import Server

pytestmark = pytest.mark.browser
Sound = Callable[..., Path]
AXE = Path(__file__).parent.parent.parent / "frontend/node_modules/axe-core/axe.min.js"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


def assert_accessible(page: Page) -> None:
    """No rule of WCAG 2.2 A and AA may be broken, as far as axe can tell."""
    page.evaluate("source => { window.eval(source); }", AXE.read_text())
    found: dict[str, Any] = page.evaluate(
        "() => axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', "
        "'best-practice'] })"
    )
    broken = [
        (one["id"], one["impact"], [node["html"][:160] for node in one["nodes"][:3]])
        for one in found["violations"]
    ]
    assert broken == []
    assert len(found["passes"]) > 10


def settle(page: Page) -> None:
    """Let animations end, for half-transparent text has no contrast."""
    page.evaluate(
        "() => Promise.all(document.getAnimations().filter((a) => a.effect.getTiming().iterations"
        " !== Infinity).map((a) => a.finished.catch(() => undefined)))"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_is_in_the_way_of_anybody(
    open_page: Opener, sound: Sound, tmp_path: Path, scheme: str, screen: dict[str, int]
) -> None:
    page = open_page(color_scheme=scheme, viewport=screen)
    expect(page.get_by_role("radio", name="Streaming")).to_be_visible()
    expect(page.get_by_text("All that’s missing is music.")).to_be_visible()
    settle(page)
    assert_accessible(page)

    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF")
    send(page, sound("Um.wav", 2), bad)
    expect(row_in(page, "bad", "rejected")).to_be_visible()
    expect(row_in(page, "Um", "ready")).to_be_visible()
    row(page, "Um").get_by_role("button", name="Details of Um").click()
    expect(row(page, "Um").locator(".history")).to_contain_text("Ready")
    row(page, "Um").get_by_role("button", name="Play Um").click()
    expect(page.get_by_role("region", name="Player")).to_be_visible()
    row(page, "Um").get_by_role("button", name="Download Um").click()
    settle(page)
    assert_accessible(page)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")

    page.keyboard.press("Escape")
    row(page, "Um").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    settle(page)
    assert_accessible(page)


def test_the_keyboard_alone_is_enough(open_page: Opener, sound: Sound) -> None:
    page = open_page()
    send(page, sound("Um.wav", 3))
    expect(row_in(page, "Um", "ready")).to_be_visible()
    page.locator("body").press("Tab")
    expect(page.get_by_role("link", name="Skip to your tracks")).to_be_focused()
    page.keyboard.press("Enter")
    play = page.get_by_role("button", name="Play Um")
    for _ in range(12):
        page.keyboard.press("Tab")
        if play.evaluate("element => element === document.activeElement"):
            break
    expect(play).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Player")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="as a zip")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Download Um")).to_be_focused()


def test_the_language_switches_without_a_reload(open_page: Opener, tmp_path: Path) -> None:
    text = tmp_path / "letra.mp3"
    text.write_text("lá lá lá", encoding="utf-8")
    page = open_page(locale="pt-BR")
    expect(page.locator("html")).to_have_attribute("lang", "pt-BR")
    send(page, text)
    expect(row_in(page, "letra", "rejected")).to_contain_text("Isto não é")
    page.evaluate("() => { window.sameDocument = true; }")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Bring your music.")
    expect(row(page, "letra")).to_contain_text("This is not an audio file")
    assert page.evaluate("() => window.sameDocument") is True
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Bring your music.")
    expect(page.locator("html")).to_have_attribute("lang", "en")


@pytest.mark.parametrize(
    ("locale", "heading", "wrong"),
    [
        ("pt-BR", "Pode entrar", "O token não é esse."),
        ("en", "Come on in", "That is not the token."),
    ],
)
def test_a_locked_door_asks_for_its_token(
    make_server: Callable[..., Server], open_page: Opener, locale: str, heading: str, wrong: str
) -> None:
    locked = make_server(SARAU_TOKEN="abre-te-sesamo")
    page = open_page(locked.url, locale=locale)
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    assert_accessible(page)
    page.locator("#token").fill("errado")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(wrong)
    assert_accessible(page)
    page.locator("#token").fill("abre-te-sesamo")
    page.keyboard.press("Enter")
    expect(page.get_by_role("radio", name="Streaming")).to_be_visible()


@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_dozen_versions_fit_into_the_player(
    open_page: Opener, server: Server, sound: Sound, screen: dict[str, int]
) -> None:
    rates = [64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
    renditions = [
        {"format": "mp3", "name": f"mp3-{rate}-kbits", "bitrate_bps": rate * 1000} for rate in rates
    ]
    preset = {"name": "Tudo", "target_lufs": -14, "ceiling_dbtp": -1}
    with server.client() as client:
        client.post("/api/v1/presets", json=preset | {"renditions": renditions}).raise_for_status()
    server.wait_for(server.send(sound("Um.wav", 2), preset="Tudo")["id"], "ready")
    page = open_page(viewport=screen)
    row(page, "Um").get_by_role("button", name="Play Um").click()
    player = page.get_by_role("region", name="Player")
    expect(player.get_by_role("radio")).to_have_count(11)
    settle(page)
    dock = player.bounding_box()
    assert dock
    assert dock["y"] >= screen["height"] / 3
    for choice in player.locator(".versions span").all():
        box = choice.bounding_box()
        assert box
        assert dock["x"] <= box["x"]
        assert box["x"] + box["width"] <= dock["x"] + dock["width"]
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
