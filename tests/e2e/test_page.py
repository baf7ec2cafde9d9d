"""The main path: drop, watch, listen, compare, download."""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from tests.e2e.actions import row, row_in, send
from tests.e2e.conftest import Opener

pytestmark = pytest.mark.browser
Sound = Callable[..., Path]


def test_an_empty_page_invites(open_page: Opener) -> None:
    page = open_page(locale="pt-BR")
    expect(page.get_by_role("heading", level=1)).to_have_text("Traga a sua música.")
    expect(page.get_by_text("Só falta a música.")).to_be_visible()
    expect(page.get_by_role("radio", name="Streaming")).to_be_checked()
    expect(page.get_by_text("−14 LUFS")).to_be_visible()


def test_a_dropped_file_becomes_ready_before_your_eyes(open_page: Opener, sound: Sound) -> None:
    page = open_page(reduced_motion="no-preference")
    expect(page.get_by_role("radio", name="Streaming")).to_be_visible()
    page.locator("main").drop({"files": [sound("Quintal ação.wav", 8)]})
    working = row_in(page, "Quintal ação", "processing")
    expect(working.get_by_role("progressbar")).to_be_visible()
    done = row_in(page, "Quintal ação", "ready")
    expect(done.get_by_text("On target")).to_be_visible()
    expect(done.get_by_role("img", name="−14.0 LUFS after")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="is ready")).to_be_visible()


def test_the_same_file_again_is_shown_with_the_first(open_page: Opener, sound: Sound) -> None:
    page = open_page(locale="pt-BR")
    expect(page.get_by_role("radio", name="Streaming")).to_be_visible()
    page.locator("main").drop({"files": [sound("Aurora.wav", 2)]})
    expect(row_in(page, "Aurora", "ready")).to_be_visible()
    page.reload()
    page.locator("main").drop({"files": [sound("Aurora.wav", 2), sound("Outra.wav", 3)]})
    page.get_by_role("button", name="Já está aqui").click()
    expect(page.get_by_role("searchbox")).to_have_value("Aurora")
    expect(page.locator(".row")).to_have_count(2)


def test_real_music_comes_back_at_the_right_loudness(open_page: Opener, music: list[Path]) -> None:
    song = min(music, key=lambda path: path.stat().st_size)
    page = open_page()
    page.locator("main").drop({"files": [song]})
    done = row_in(page, song.stem, "ready")
    expect(done).to_be_visible(timeout=120_000)
    expect(done.locator(".badge")).to_have_text(re.compile("On target|Peak-limited"))
    done.get_by_role("button", name="Play").click()
    position = page.get_by_role("region", name="Player").get_by_role("slider")
    expect(position).not_to_have_attribute("aria-valuenow", "0")


def test_what_is_dropped_on_a_preset_is_made_for_it(open_page: Opener, sound: Sound) -> None:
    page = open_page()
    expect(page.get_by_role("radio", name="Streaming")).to_be_visible()
    held = page.evaluate_handle(
        """async (bytes) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([Uint8Array.from(bytes)], "Conversa.wav"));
            return transfer;
        }""",
        list(sound("Conversa.wav", 1).read_bytes()),
    )
    page.locator("main").dispatch_event("dragover", {"dataTransfer": held})
    place = page.locator('[data-drop-preset="podcast"]')
    expect(place).to_contain_text("−16 LUFS")
    place.dispatch_event("dragover", {"dataTransfer": held})
    place.dispatch_event("drop", {"dataTransfer": held})
    expect(row_in(page, "Conversa", "ready")).to_contain_text("Podcast")
    expect(page.locator(".drop")).to_have_count(0)


def test_a_folder_is_sent_without_its_cover(
    open_page: Opener, sound: Sound, tmp_path: Path
) -> None:
    album = tmp_path / "disco"
    album.mkdir()
    for name in ("02 Valsa.wav", "01 Choro.wav"):
        sound(name, 1).rename(album / name)
    (album / "capa.jpg").write_bytes(b"not really a picture")
    page = open_page(locale="pt-BR")
    page.get_by_role("radio", name="Arquivo").check()
    page.locator("#folder-input").set_input_files(album)
    expect(page.get_by_text("1 arquivo que não é áudio ficou de fora.")).to_be_visible()
    expect(row_in(page, "01 Choro", "ready")).to_contain_text("Volume original")
    expect(row_in(page, "02 Valsa", "ready")).to_be_visible()
    expect(page.get_by_role("listitem")).to_have_count(2)


def ready(page: Page, *files: Path) -> None:
    send(page, *files)
    for file in files:
        expect(row_in(page, file.stem, "ready")).to_be_visible()


def test_one_player_for_all_with_seek_keys_and_comparison(open_page: Opener, sound: Sound) -> None:
    page = open_page()
    ready(page, sound("Um.wav", 20), sound("Dois.wav", 20))
    row(page, "Um").get_by_role("button", name="Play Um").click()
    player = page.get_by_role("region", name="Player")
    position = player.get_by_role("slider")
    expect(position).not_to_have_attribute("aria-valuenow", "0")

    row(page, "Dois").get_by_role("button", name="Play Dois").click()
    expect(row(page, "Um").get_by_role("button", name="Play Um")).to_be_visible()
    expect(row(page, "Dois").get_by_role("button", name="Pause Dois")).to_be_visible()
    expect(player).to_contain_text("Dois")

    page.evaluate("() => document.activeElement.blur()")
    page.locator("body").press("Space")
    expect(player.get_by_role("button", name="Play", exact=True)).to_be_visible()
    position.press("End")
    position.press("Home")
    expect(position).to_have_attribute("aria-valuenow", "0")
    position.press("PageUp")
    position.press("ArrowLeft")
    expect(position).to_have_attribute("aria-valuenow", "15")
    box = position.bounding_box()
    assert box
    position.click(position={"x": box["width"] / 2, "y": 10})
    expect(position).to_have_attribute("aria-valuetext", re.compile("0:(09|10) of 0:20"))

    player.get_by_role("radio", name="Original").check()
    expect(player.get_by_role("radio", name="Original")).to_be_checked()
    expect(position).to_have_attribute("aria-valuenow", "10")
    player.get_by_role("switch", name="Match volume").check()
    page.evaluate("() => document.activeElement.blur()")
    page.locator("body").press("Space")
    expect(position).to_have_attribute("aria-valuenow", "12")
    player.get_by_role("radio", name="MP3").check()
    expect(player.get_by_role("radio", name="MP3")).to_be_checked()
    expect(player.get_by_role("button", name="Pause")).to_be_visible()
    player.get_by_role("button", name="Close").click()
    expect(player).to_have_count(0)


def test_every_version_and_all_of_them_can_be_downloaded(open_page: Opener, sound: Sound) -> None:
    page = open_page()
    source = sound("Lamento.wav", 2)
    ready(page, source)
    heads = {"FLAC": b"fLaC", "AAC": b"\0\0\0", "Opus": b"OggS", "Original file": b"RIFF"}
    for name, head in heads.items():
        row(page, "Lamento").get_by_role("button", name="Download Lamento").click()
        with page.expect_download() as found:
            page.get_by_role("link", name=name).click()
        content = Path(found.value.path()).read_bytes()
        assert content.startswith(head), name
        if name == "Original file":
            assert found.value.suggested_filename == "Lamento.wav"
            assert content == source.read_bytes()
    row(page, "Lamento").get_by_role("button", name="Download Lamento").click()
    with page.expect_download() as found:
        page.get_by_role("link", name="as a zip").click()
    with zipfile.ZipFile(io.BytesIO(Path(found.value.path()).read_bytes())) as archive:
        assert len(archive.namelist()) == 4
        assert archive.testzip() is None


def test_details_show_evidence_and_history_live(open_page: Opener, sound: Sound) -> None:
    page = open_page()
    ready(page, sound("Roda.wav", 2))
    row(page, "Roda").get_by_role("button", name="Details of Roda").click()
    table = row(page, "Roda").get_by_role("table")
    expect(table.get_by_role("row")).to_have_count(6)
    names = table.get_by_role("rowheader").all_inner_texts()
    assert [name.split()[0] for name in names] == ["Original", "FLAC", "MP3", "AAC", "Opus"]
    expect(row(page, "Roda")).to_contain_text("44.1 kHz")
    history = row(page, "Roda").locator(".history")
    expect(history).to_contain_text("Whole file received")
    expect(history.get_by_role("listitem").last).to_contain_text("Ready")


def test_the_spectrogram_says_where_each_kilohertz_is(open_page: Opener, sound: Sound) -> None:
    page = open_page(locale="pt-BR")
    ready(page, sound("Roda.wav", 4))
    row(page, "Roda").get_by_role("button", name="Detalhes de Roda").click()
    plot = row(page, "Roda").locator(".plot").filter(has_text="Espectrograma")
    expect(plot).to_contain_text("de 0 a 22,1 kHz")
    picture = plot.get_by_role("img").bounding_box()
    names = plot.locator(".plot-heights span")
    assert names.all_inner_texts() == ["0", "5", "10", "15", "20"]
    tenth = names.nth(2).bounding_box()
    assert picture is not None
    assert tenth is not None
    above = picture["y"] + picture["height"] - tenth["y"] - tenth["height"] / 2
    assert above == pytest.approx(picture["height"] * 10 / 22.05, abs=1)
    assert plot.locator(".plot-times span").all_inner_texts()[-1] == "0:04"


def test_a_track_is_renamed_found_and_deleted(open_page: Opener, sound: Sound) -> None:
    page = open_page()
    ready(page, sound("Um.wav", 1), sound("Dois.wav", 1))
    row(page, "Um").get_by_role("button", name="Details of Um").click()
    row(page, "Um").get_by_role("button", name="Edit").click()
    expect(page.get_by_role("textbox", name="Title")).to_be_focused()
    page.get_by_role("textbox", name="Title").fill("Chuva de março")
    page.get_by_role("textbox", name="Artist").fill("Lia Andrade")
    page.get_by_role("button", name="Save").click()
    expect(row(page, "Chuva de março")).to_contain_text("Lia Andrade")

    page.get_by_role("searchbox").fill("andrade")
    expect(row(page, "Dois")).to_have_count(0)
    expect(row(page, "Chuva de março")).to_be_visible()
    page.get_by_role("searchbox").fill("")
    expect(row(page, "Dois")).to_be_visible()
    page.get_by_role("button", name="Need attention").click()
    expect(page.get_by_text("Nothing here matches.")).to_be_visible()
    page.get_by_role("button", name="Show everything").click()

    song = row(page, "Chuva de março")
    song.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Keep it").click()
    expect(song).to_be_visible()
    song.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(song).to_have_count(0)
    page.reload()
    expect(row(page, "Dois")).to_be_visible()
    expect(song).to_have_count(0)


def test_a_preset_of_ones_own_is_made_used_changed_and_deleted(
    open_page: Opener, sound: Sound
) -> None:
    page = open_page(locale="pt-BR")
    page.get_by_role("button", name="Um preset seu").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Nome").fill("Terreiro")
    form.get_by_label("Volume, LUFS").fill("-18")
    for name in ("MP3 320", "ALAC"):
        form.get_by_label(name).click()
    form.get_by_role("button", name="Salvar").click()
    expect(page.get_by_role("radio", name="Terreiro")).to_be_checked()
    send(page, sound("canto.wav"))
    expect(row_in(page, "canto", "ready")).to_contain_text("Terreiro")
    page.get_by_role("button", name="Alterar Terreiro").click()
    expect(form.get_by_label("ALAC")).to_be_checked()
    expect(form.get_by_label("MP3 320")).not_to_be_checked()
    form.get_by_label("Pico real").fill("3")
    form.get_by_role("button", name="Salvar").click()
    expect(form).to_be_visible()  # the browser itself says what is wrong
    form.get_by_label("Pico real").fill("-2")
    form.get_by_label("WAV").click()
    form.get_by_label("ALAC").click()
    form.get_by_role("button", name="Salvar").click()
    expect(form.get_by_role("alert")).to_have_text("Escolha pelo menos um formato.")
    form.get_by_role("button", name="Apagar").click()
    expect(form).to_contain_text("Apagar “Terreiro”?")
    form.get_by_role("button", name="Manter").click()
    expect(page.get_by_role("radio", name="Terreiro")).to_be_checked()
    page.get_by_role("button", name="Alterar Terreiro").click()
    form.get_by_role("button", name="Apagar").click()
    form.get_by_role("button", name="Apagar").click()
    expect(page.get_by_role("radio", name="Terreiro")).to_have_count(0)
    expect(page.get_by_role("radio", name="Streaming")).to_be_checked()


def test_what_is_wrong_with_a_preset_is_said_in_its_dialog(open_page: Opener) -> None:
    page = open_page()
    page.get_by_role("button", name="Your own preset").click()
    form = page.get_by_role("dialog")
    name = form.get_by_label("Name")
    save = form.get_by_role("button", name="Save")
    for refused in ("a/b", "-a", "a."):
        name.fill(refused)
        save.click()
        expect(form.locator("input:invalid")).to_have_attribute("name", "name")
    for taken in ("São João 2.0", "Streaming"):
        name.fill(taken)
        expect(form.locator("input:invalid")).to_have_count(0)
    save.click()
    expect(form.get_by_role("alert")).to_contain_text("Choose another name")
    name.fill("Roda")

    def refuse(route: Route) -> None:
        problem = {"title": "It cannot be used.", "code": "invalid_preset", "detail": "name: no"}
        route.fulfill(status=422, json=problem)

    page.route("**/api/v1/presets", refuse)
    save.click()
    expect(form.get_by_role("alert")).to_contain_text("It cannot be used.")
    expect(form.get_by_role("alert")).to_contain_text("name: no")
    page.unroute("**/api/v1/presets")
    save.click()
    expect(page.get_by_role("radio", name="Roda")).to_be_checked()


def test_the_window_is_called_after_what_became_ready_unseen(
    open_page: Opener, sound: Sound
) -> None:
    page = open_page()
    expect(page).to_have_title("Sarau · Bring your music")
    page.evaluate("() => Object.defineProperty(document, 'hidden', { get: () => true })")
    send(page, sound("Um.wav", 1))
    expect(page).to_have_title("(1) Sarau · Bring your music")
    page.get_by_role("button", name="Português").click()
    expect(page).to_have_title("(1) Sarau · Traga a sua música")


def test_notes_on_the_file_are_sentences(open_page: Opener, tmp_path: Path, sound: Sound) -> None:
    stream = bytearray(sound("fluxo.wav", 2).read_bytes())
    stream[40:44] = b"\xff\xff\xff\xff"  # a program that wrote to a pipe
    streamed = tmp_path / "fluxo livre.wav"
    streamed.write_bytes(stream)
    page = open_page(locale="pt-BR")
    ready(page, streamed)
    row(page, "fluxo livre").get_by_role("button", name="Detalhes").click()
    expect(row(page, "fluxo livre")).to_contain_text("O cabeçalho não diz a duração")
