"""Sending under bad conditions: slow, cut off, reloaded, paused, cancelled."""

import re
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from tests.e2e.actions import Network, row, row_in, send
from tests.e2e.conftest import Opener
from tests.servers import Server

pytestmark = pytest.mark.browser
Sound = Callable[..., Path]
SLOW = 300_000
"""Bytes a second: what is sent lasts longer than a busy machine needs to look at it."""
SOME_BYTES = 500_000


def wait_until_some_arrived(server: Server, **headers: str) -> str:
    """Return the track of the only upload, once the server has a part of it."""
    with server.client(headers=headers) as client:
        while True:
            items = client.get("/api/v1/tracks").json()["items"]
            if items and items[0]["upload"]["offset_bytes"] >= SOME_BYTES:
                return str(items[0]["id"])
            time.sleep(0.05)


def wait_until_stopped(page: Page, title: str, text: str) -> None:
    expect(row(page, title)).to_contain_text(text)


class Refusals:
    """Answers of the server's, or of a proxy's, in the place of the first few of a method."""

    def __init__(self, page: Page, method: str, *answers: int) -> None:
        self.left = list(answers)
        self._page = page
        self._method = method
        page.route("**/files/*", self._answer)

    def _answer(self, route: Route) -> None:
        if route.request.method != self._method or not self.left:
            route.fallback()
        elif status := self.left.pop(0):
            route.fulfill(status=status)
        else:
            route.abort("connectionrefused")

    def wait_until_all_were_given(self) -> None:
        while self.left:
            self._page.wait_for_timeout(50)


def pause_when_some_arrived(page: Page, server: Server, network: Network, file: Path) -> str:
    """Send a file and pause it on the way; return its track."""
    network.slow(SLOW)
    send(page, file)
    track_id = wait_until_some_arrived(server)
    page.get_by_role("button", name="Pause all").click()
    wait_until_stopped(page, file.stem, "Paused")
    network.slow()
    network.resumed_at.clear()
    return track_id


def reload_in_the_middle(page: Page, server: Server, network: Network, title: str) -> str:
    """Reload the page once a part is there; return the track of that part."""
    track_id = wait_until_some_arrived(server)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    network.slow()
    expect(row(page, title)).to_contain_text("Choose the same file again")
    network.resumed_at.clear()
    return track_id


def source_of(server: Server, track_id: str) -> bytes:
    server.wait_for(track_id, "ready")
    with server.client() as client:
        return client.get(f"/api/v1/tracks/{track_id}/source").content


def test_a_lost_network_is_waited_out(open_page: Opener, server: Server, sound: Sound) -> None:
    page = open_page()
    network = Network(page)
    network.slow(SLOW)
    file = sound("Estrada.wav", 20)
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
    file = sound("Poeira.wav", 20)
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
    file = sound("Sereno.wav", 20)
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
    file = sound("Varanda.wav", 15)
    send(page, file)
    track_id = wait_until_some_arrived(server)
    row(page, "Varanda").get_by_role("button", name="Pause sending Varanda.wav").click()
    wait_until_stopped(page, "Varanda", "Paused")
    network.slow()
    page.get_by_role("button", name="Resume all").click()
    expect(row_in(page, "Varanda", "ready")).to_be_visible()
    assert max(network.resumed_at) >= SOME_BYTES
    assert source_of(server, track_id) == file.read_bytes()


@pytest.mark.timeout(300)
def test_a_server_that_cannot_say_how_much_it_has_is_asked_again(
    open_page: Opener, server: Server, sound: Sound
) -> None:
    page = open_page()
    network = Network(page)
    file = sound("Ladeira.wav", 15)
    track_id = pause_when_some_arrived(page, server, network, file)
    refusals = Refusals(page, "HEAD", 503, 502, 500, 503, 503, 429, 403)
    page.get_by_role("button", name="Resume all").click()
    refusals.wait_until_all_were_given()
    page.get_by_role("button", name="Send Ladeira.wav again").first.click()
    expect(row_in(page, "Ladeira", "ready")).to_be_visible()
    assert min(network.resumed_at) >= SOME_BYTES
    assert source_of(server, track_id) == file.read_bytes()
    expect(page.get_by_role("listitem")).to_have_count(1)


def test_pause_holds_through_a_lost_connection(
    open_page: Opener, server: Server, sound: Sound
) -> None:
    page = open_page()
    network = Network(page)
    file = sound("Sossego.wav", 15)
    track_id = pause_when_some_arrived(page, server, network, file)
    refusals = Refusals(page, "HEAD", *[0] * 5)
    page.get_by_role("button", name="Resume all").click()
    wait_until_stopped(page, "Sossego", "Finding where it stopped")
    page.get_by_role("button", name="Pause all").click()
    refusals.wait_until_all_were_given()
    page.wait_for_timeout(500)
    wait_until_stopped(page, "Sossego", "Paused")
    page.get_by_role("button", name="Resume all").click()
    expect(row_in(page, "Sossego", "ready")).to_be_visible()
    assert source_of(server, track_id) == file.read_bytes()


def test_a_server_that_wants_fewer_requests_is_waited_for(open_page: Opener, sound: Sound) -> None:
    page = open_page()
    refusals = Refusals(page, "PATCH", 429, 408)
    file = sound("Calma.wav", 8)
    send(page, file)
    wait_until_stopped(page, "Calma", "Waiting for the connection")
    expect(row_in(page, "Calma", "ready")).to_be_visible()
    assert refusals.left == []
    expect(page.get_by_role("listitem")).to_have_count(1)


def test_a_session_that_ended_is_begun_again_in_place(
    make_server: Callable[..., Server], open_page: Opener, sound: Sound
) -> None:
    token = "abre-te-sesamo"
    locked = make_server(SARAU_TOKEN=token)
    page = open_page(locked.url)
    page.locator("#token").fill(token)
    page.keyboard.press("Enter")
    expect(page.get_by_role("radio", name="Streaming")).to_be_visible()
    network = Network(page)
    network.slow(SLOW)
    file = sound("Porteira.wav", 15)
    send(page, file)
    wait_until_some_arrived(locked, Authorization=f"Bearer {token}")
    page.get_by_role("button", name="Pause all").click()
    page.context.clear_cookies()
    network.slow()
    page.get_by_role("button", name="Resume all").click()
    door = page.get_by_role("dialog", name="Come on in")
    door.get_by_label("Token").fill("errado")
    door.get_by_role("button", name="Enter").click()
    expect(door.get_by_role("alert")).to_have_text(re.compile("not the token"))
    door.get_by_label("Token").fill(token)
    door.get_by_role("button", name="Enter").click()
    expect(row_in(page, "Porteira", "ready")).to_be_visible()
    expect(door).to_have_count(0)
    assert max(network.resumed_at) >= SOME_BYTES
    expect(page.get_by_role("listitem")).to_have_count(1)


def in_folder(sound: Sound, tmp_path: Path) -> Path:
    album = tmp_path / "disco"
    album.mkdir()
    return sound("01 Choro.wav", 15).rename(album / "01 Choro.wav")


def row_chooser(page: Page) -> Locator:
    return row(page, "01 Choro").locator("input[type=file]")


def page_chooser(page: Page) -> Locator:
    return page.locator("#file-input")


@pytest.mark.parametrize("chooser", [row_chooser, page_chooser], ids=["row", "page"])
def test_a_file_of_a_folder_goes_on_when_it_is_chosen_alone(
    open_page: Opener,
    server: Server,
    sound: Sound,
    tmp_path: Path,
    chooser: Callable[[Page], Locator],
) -> None:
    page = open_page()
    network = Network(page)
    network.slow(SLOW)
    file = in_folder(sound, tmp_path)
    page.locator("#folder-input").set_input_files(file.parent)
    track_id = reload_in_the_middle(page, server, network, "01 Choro")
    row_chooser(page).set_input_files(sound("Outro.wav", 15))
    expect(page.get_by_text("That is another file. Choose “01 Choro.wav”")).to_be_visible()
    chooser(page).set_input_files(file)
    expect(row_in(page, "01 Choro", "ready")).to_be_visible()
    assert min(network.resumed_at) >= SOME_BYTES
    assert source_of(server, track_id) == file.read_bytes()
    expect(page.get_by_role("listitem")).to_have_count(1)
    assert page.evaluate("() => localStorage.length") == 0


def test_another_tab_knows_that_it_is_being_sent(
    open_page: Opener, server: Server, sound: Sound
) -> None:
    page = open_page()
    pause_when_some_arrived(page, server, Network(page), sound("Janela.wav", 15))
    other = page.context.new_page()
    other.goto(server.url)
    expect(row(other, "Janela")).to_contain_text("Being sent")
    other.wait_for_timeout(4000)
    expect(row(other, "Janela")).to_contain_text("Being sent")
    page.close()
    expect(row(other, "Janela")).to_contain_text("Choose the same file again")


def test_an_upload_that_was_broken_off_can_be_let_go(
    open_page: Opener, server: Server, sound: Sound
) -> None:
    page = open_page()
    network = Network(page)
    network.slow(SLOW)
    send(page, sound("Rascunho.wav", 20))
    reload_in_the_middle(page, server, network, "Rascunho")
    row(page, "Rascunho").get_by_role("button", name="Cancel Rascunho").click()
    expect(row_in(page, "Rascunho", "cancelled")).to_be_visible()
    expect(row(page, "Rascunho").get_by_role("button", name="Retry Rascunho")).to_have_count(0)
    assert page.evaluate("() => localStorage.length") == 0
    row(page, "Rascunho").get_by_role("button", name="Details of Rascunho").click()
    row(page, "Rascunho").get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row(page, "Rascunho")).to_have_count(0)


def test_an_upload_from_elsewhere_can_be_deleted_as_it_is(
    open_page: Opener, server: Server
) -> None:
    name = b64encode(b"Alheio.wav").decode()
    with server.client() as client:
        client.post(
            "/files/",
            headers={
                "Tus-Resumable": "1.0.0",
                "Upload-Length": "1000",
                "Upload-Metadata": f"filename {name}",
            },
        ).raise_for_status()
    page = open_page()
    expect(row(page, "Alheio")).to_contain_text("Being sent")
    row(page, "Alheio").get_by_role("button", name="Details of Alheio").click()
    row(page, "Alheio").get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row(page, "Alheio")).to_have_count(0)
    with server.client() as client:
        assert client.get("/api/v1/tracks").json()["items"] == []


def test_what_was_not_sent_is_said_though_its_row_is_out_of_sight(
    open_page: Opener, server: Server, sound: Sound
) -> None:
    page = open_page()
    pause_when_some_arrived(page, server, Network(page), sound("Escondida.wav", 15))
    page.get_by_role("button", name="Ready").click()
    expect(row(page, "Escondida")).to_have_count(0)
    Refusals(page, "PATCH", 410)
    page.get_by_role("button", name="Resume all").click()
    expect(page.get_by_role("alert").filter(has_text="Escondida.wav")).to_contain_text("not sent")
    queue = page.get_by_role("list", name="Queue")
    expect(queue).to_contain_text("Escondida.wav")
    queue.get_by_role("button", name="Dismiss Escondida.wav").click()
    expect(page.get_by_role("region", name="Sending")).to_have_count(0)


def test_three_are_sent_at_once_and_all_can_be_cancelled(
    open_page: Opener, server: Server, sound: Sound
) -> None:
    page = open_page()
    network = Network(page)
    network.slow(SLOW // 3)
    send(page, *[sound(f"Faixa {n}.wav", 20) for n in range(9)])
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
    send(page, sound("Ensaio.wav", 30))
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
