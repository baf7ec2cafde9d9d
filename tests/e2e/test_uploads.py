"""Sending under bad conditions: slow, cut off, reloaded, paused, cancelled."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from tests.e2e.actions import Network, row, row_in, send
from tests.e2e.conftest import Opener
from tests.servers import Server

pytestmark = pytest.mark.browser
Sound = Callable[..., Path]
SLOW = 600_000
"""Bytes a second: what is sent lasts longer than a busy machine needs to look at it."""
SOME_BYTES = 1_000_000


def wait_until_some_arrived(server: Server) -> str:
    """Return the track of the only upload, once the server has a part of it."""
    with server.client() as client:
        while True:
            items = client.get("/api/v1/tracks").json()["items"]
            if items and items[0]["upload"]["offset_bytes"] >= SOME_BYTES:
                return str(items[0]["id"])


def wait_until_stopped(page: Page, title: str, text: str) -> None:
    expect(row(page, title)).to_contain_text(text)


def source_of(server: Server, track_id: str) -> bytes:
    server.wait_for(track_id, "ready")
    with server.client() as client:
        return client.get(f"/api/v1/tracks/{track_id}/source").content


def test_a_lost_network_is_waited_out(open_page: Opener, server: Server, sound: Sound) -> None:
    page = open_page()
    network = Network(page)
    network.slow(SLOW)
    file = sound("Estrada.wav", 40)
    send(page, file)
    track_id = wait_until_some_arrived(server)
    network.cut()
    wait_until_stopped(page, "Estrada", "Waiting for the connection")
    expect(page.get_by_text("Sending goes on by itself")).to_be_visible()
    network.mend()
    expect(row_in(page, "Estrada", "ready")).to_be_visible()
    assert max(network.resumed_at) >= SOME_BYTES
    assert source_of(server, track_id) == file.read_bytes()
    expect(page.get_by_role("listitem")).to_have_count(1)


def test_a_restarted_server_is_waited_out(open_page: Opener, server: Server, sound: Sound) -> None:
    page = open_page()
    network = Network(page)
    network.slow(SLOW)
    file = sound("Poeira.wav", 40)
    send(page, file)
    track_id = wait_until_some_arrived(server)
    server.kill()
    expect(page.get_by_text("Live updates were lost")).to_be_visible()
    server.start()
    network.slow()
    expect(row_in(page, "Poeira", "ready")).to_be_visible()
    expect(page.get_by_text("Live updates were lost")).to_have_count(0)
    assert max(network.resumed_at) > 0
    assert source_of(server, track_id) == file.read_bytes()


def test_a_reloaded_page_goes_on_where_it_stopped(
    open_page: Opener, server: Server, sound: Sound
) -> None:
    page = open_page(locale="pt-BR")
    network = Network(page)
    network.slow(SLOW)
    file = sound("Sereno.wav", 40)
    send(page, file)
    track_id = wait_until_some_arrived(server)
    warned: list[str] = []
    page.on("dialog", lambda dialog: (warned.append(dialog.type), dialog.accept()))
    page.get_by_role("heading", level=1).click()  # Chromium warns only who has touched the page.
    page.reload()
    assert warned == ["beforeunload"]
    network.slow()
    expect(row(page, "Sereno")).to_contain_text("Escolha o mesmo arquivo de novo")
    network.resumed_at.clear()
    row(page, "Sereno").locator("input[type=file]").set_input_files(file)
    expect(row_in(page, "Sereno", "ready")).to_be_visible()
    assert network.resumed_at
    assert min(network.resumed_at) >= SOME_BYTES
    assert source_of(server, track_id) == file.read_bytes()
    expect(page.get_by_role("listitem")).to_have_count(1)


def test_pause_holds_and_resume_goes_on(open_page: Opener, server: Server, sound: Sound) -> None:
    page = open_page()
    network = Network(page)
    network.slow(SLOW)
    file = sound("Varanda.wav", 30)
    send(page, file)
    track_id = wait_until_some_arrived(server)
    row(page, "Varanda").get_by_role("button", name="Pause sending Varanda.wav").click()
    wait_until_stopped(page, "Varanda", "Paused")
    network.slow()
    page.get_by_role("button", name="Resume all").click()
    expect(row_in(page, "Varanda", "ready")).to_be_visible()
    assert max(network.resumed_at) >= SOME_BYTES
    assert source_of(server, track_id) == file.read_bytes()


def test_three_are_sent_at_once_and_all_can_be_cancelled(
    open_page: Opener, server: Server, sound: Sound
) -> None:
    page = open_page()
    network = Network(page)
    network.slow(SLOW // 3)
    send(page, *[sound(f"Faixa {n}.wav", 40) for n in range(9)])
    expect(page.get_by_role("progressbar", name="Sending", exact=True).first).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Faixa")).to_have_count(3 + 5)
    expect(page.get_by_text("and 1 more in the queue")).to_be_visible()
    expect(page.locator('[data-state="receiving"]')).to_have_count(3)
    page.get_by_role("button", name="Cancel all").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel all").click()
    expect(page.locator('[data-state="cancelled"]')).to_have_count(3)
    expect(page.get_by_text("in the queue")).to_have_count(0)
    with server.client() as client:
        assert set(client.get("/api/v1/tracks").json()["counts"]) == {"cancelled"}


def test_work_is_cancelled_and_taken_up_again(open_page: Opener, sound: Sound) -> None:
    page = open_page()
    send(page, sound("Ensaio.wav", 45))
    expect(row_in(page, "Ensaio", "processing")).to_be_visible()
    row(page, "Ensaio").get_by_role("button", name="Cancel Ensaio").click()
    expect(row_in(page, "Ensaio", "cancelled")).to_contain_text("Cancelled")
    row(page, "Ensaio").get_by_role("button", name="Retry Ensaio").click()
    expect(row_in(page, "Ensaio", "ready")).to_be_visible()


@pytest.mark.parametrize(
    ("locale", "sentence"),
    [
        ("pt-BR", "Não aceita. Isto não é um arquivo de áudio, apesar do nome."),
        ("en", "Not accepted. This is not an audio file, whatever its name says."),
    ],
)
def test_a_rejected_file_keeps_its_reason(
    open_page: Opener, tmp_path: Path, locale: str, sentence: str
) -> None:
    text = tmp_path / "letra.mp3"
    text.write_text("lá lá lá", encoding="utf-8")
    page = open_page(locale=locale)
    send(page, text)
    rejected = row_in(page, "letra", "rejected")
    expect(rejected).to_contain_text(sentence)
    expect(rejected).to_contain_text("not_audio")
    page.reload()
    expect(rejected).to_contain_text(sentence)


def test_what_is_chosen_before_the_server_answers_is_not_lost(
    open_page: Opener, sound: Sound
) -> None:
    page = open_page()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/session", hold)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    send(page, sound("Cedo.wav"))
    while not held:
        page.wait_for_timeout(50)
    held[0].continue_()
    expect(row_in(page, "Cedo", "ready")).to_be_visible()


def test_a_file_over_the_limit_is_not_sent(
    make_server: Callable[..., Server], open_page: Opener, sound: Sound
) -> None:
    small = make_server(SARAU_MAX_UPLOAD_BYTES="100000")
    page = open_page(small.url)
    expect(page.get_by_text("Up to 100 kB per file.")).to_be_visible()
    send(page, sound("Grande.wav", 2))
    queue = page.get_by_role("list", name="Queue")
    expect(queue).to_contain_text("at most 100 kB can be sent")
    queue.get_by_role("button", name="Dismiss Grande.wav").click()
    expect(queue).to_have_count(0)
