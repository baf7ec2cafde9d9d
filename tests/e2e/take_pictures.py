"""Take the pictures of the page that the README shows: `python -m tests.e2e.take_pictures`.

A real server, a real browser; the music is made here, the musicians are invented.
"""

import io
import tempfile
import wave
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.e2e.actions import Network, row, row_in, send
from tests.e2e.conftest import ARGUMENTS, CHROMIUM
from tests.servers import Server

IMAGES = Path(__file__).parent.parent.parent / "docs" / "images"
MOST_BYTES = 250_000
RATE_HZ = 44_100
SONGS = (
    ("02 Quintal.wav", "Quintal", "Lia Andrade", "streaming", 74, 0.22, 3),
    ("03 Lamento do rio.wav", "Lamento do rio", "Lia Andrade", "streaming", 58, 0.9, 8),
    (
        "Conversa com dona Ivone.wav",
        "Conversa com dona Ivone",
        "Rádio Quintal",
        "podcast",
        49,
        0.1,
        5,
    ),
    ("Valsa da varanda.wav", "Valsa da varanda", "Trio Cajuína", "archive", 41, 0.4, 2),
)


def play_something(path: Path, seconds: float, level: float, seed: int) -> Path:
    """Write a piece with a beat, chords and sections, so that its waveform has a shape."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    beat = 60 / (84 + 4 * seed)
    since = t % beat
    bar = (t // (4 * beat)).astype(int)
    roots = np.array([196.0, 220.0, 146.8, 174.6])[bar % 4]
    chord = sum(np.sin(2 * np.pi * np.cumsum(roots * k) / RATE_HZ) / k for k in (1, 1.25, 1.5, 2))
    drum = np.exp(-since * 14) * np.sin(2 * np.pi * 62 * since)
    shaker = rng.normal(0, 0.3, t.size) * np.exp(-(t % (beat / 2)) * 30)
    knots = rng.uniform(0.4, 1, int(seconds / 4) + 2)
    section = np.interp(t, np.linspace(0, seconds, knots.size), knots)
    accents = rng.uniform(0.62, 1, int(seconds / beat * 4) + 2)
    section = section * accents[(t / beat * 4).astype(int)]
    edges = np.minimum(1, np.minimum(t / 1.5, (seconds - t) / 3))
    mono = 0.45 * chord * (0.6 + 0.4 * np.exp(-since * 3)) + 0.7 * drum + 0.2 * shaker
    return write(path, np.tanh(1.6 * mono) * section * edges * level)


def click_rarely(path: Path, seconds: float) -> Path:
    """Write near silence with a few sharp peaks: what cannot reach a target unharmed."""
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    mono = 0.004 * np.sin(2 * np.pi * 220 * t) + 0.8 * np.exp(-(t % 4) * 700)
    return write(path, mono)


def write(path: Path, mono: np.ndarray) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((np.clip(mono, -0.99, 0.99) * 32767).astype("<i2").tobytes())
    return path


def fill(server: Server, place: Path) -> None:
    """Bring tracks of every kind into the list, the nicest one last."""
    server.wait_for(server.send(click_rarely(place / "Passos na escada.wav", 30))["id"], "ready")
    (place / "capa do disco.mp3").write_text("uma imagem que se diz música")
    server.wait_for(server.send(place / "capa do disco.mp3")["id"], "rejected")
    for filename, title, artist, preset, seconds, level, seed in reversed(SONGS):
        file = play_something(place / filename, seconds, level, seed)
        track = server.wait_for(server.send(file, preset=preset)["id"], "ready")
        with server.client() as client:
            client.patch(f"/api/v1/tracks/{track['id']}", json={"title": title, "artist": artist})


def still(page: Page) -> None:
    page.evaluate("() => document.activeElement.blur()")
    page.mouse.move(2, 600)
    page.wait_for_timeout(900)


def save(picture: bytes, name: str) -> None:
    """Keep a picture, with 256 colours where all of them would take too many bytes."""
    with Image.open(io.BytesIO(picture)) as taken:
        full = taken.convert("RGB")
    full.save(IMAGES / name, optimize=True)
    if (IMAGES / name).stat().st_size > MOST_BYTES:
        palette = full.quantize(256, method=Image.Quantize.FASTOCTREE)
        few = full.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
        few.save(IMAGES / name, optimize=True)
    size_bytes = (IMAGES / name).stat().st_size
    assert size_bytes <= MOST_BYTES, size_bytes
    print(name, size_bytes)


def take_day(browser: Browser, server: Server, place: Path) -> None:
    """Portuguese, by day: something arriving, something at work, something playing."""
    context = browser.new_context(locale="pt-BR", viewport={"width": 1280, "height": 1120})
    page = context.new_page()
    page.goto(server.url)
    expect(page.get_by_role("listitem")).to_have_count(6)
    row(page, "Quintal").get_by_role("button", name="Tocar").click()
    send(page, play_something(place / "04 Chuva de março.wav", 240, 0.5, 6))
    expect(row(page, "04 Chuva de março")).to_contain_text("Gerando versões")
    network = Network(page)
    network.slow(700_000)
    send(page, play_something(place / "05 Abre a roda.wav", 120, 0.5, 7))
    expect(row(page, "05 Abre a roda")).to_contain_text("restante")
    page.wait_for_timeout(5000)
    still(page)
    picture = page.screenshot()
    row(page, "05 Abre a roda").get_by_role("button", name="Cancelar o envio").click()
    row_in(page, "04 Chuva de março", "processing").get_by_role("button", name="Cancelar").click()
    expect(row_in(page, "04 Chuva de março", "cancelled")).to_be_visible()
    context.close()
    save(picture, "page-pt-BR.png")


def take_night(browser: Browser, server: Server) -> None:
    """English, by night: one track with all its evidence."""
    with server.client() as client:
        for track in client.get("/api/v1/tracks", params={"state": "cancelled"}).json()["items"]:
            client.delete(f"/api/v1/tracks/{track['id']}")
    context = browser.new_context(
        locale="en", color_scheme="dark", viewport={"width": 1280, "height": 1000}
    )
    page = context.new_page()
    page.goto(server.url)
    row(page, "Quintal").get_by_role("button", name="Details of Quintal").click()
    row(page, "Quintal").get_by_role("button", name="Play Quintal").click()
    row(page, "Quintal").get_by_role("slider").press("PageUp")
    page.evaluate("() => scrollTo(0, 490)")
    page.wait_for_timeout(1500)
    still(page)
    save(page.screenshot(), "page-en-dark.png")
    context.close()


def main() -> None:
    expect.set_options(timeout=90_000)
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        place = Path(folder)
        server = Server(place / "data").start()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            fill(server, place)
            take_day(browser, server, place)
            take_night(browser, server)
        finally:
            browser.close()
            server.kill()


if __name__ == "__main__":
    main()
