"""Every client finishes through every trouble, against one server process and two.

Sent are real sounds, so that what comes out at the other end of the pipeline is the
proof: one track a file, its source equal to the byte.
"""

import contextlib
import hashlib
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from tests.e2e.conftest import ARGUMENTS, CHROMIUM
from tests.postgresql import Postgresql
from tests.servers import Server
from tests.soak.proxy import Proxy
from tests.soak.senders import SENDERS, Sending, install, serve_uppy
from tests.sounds import write_music
from tests.web.upload_server import free_port

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]

FAST, SLOW = 6e6, 0.6e6
TROUBLES = {"line": ["cut", "stall", "cut", "stall"], "kill": []}

_NGINX = """
daemon off; pid {root}/nginx.pid; error_log {root}/error.log;
events {{ }}
http {{
  access_log off; client_body_temp_path {root}; proxy_temp_path {root};
  fastcgi_temp_path {root}; uwsgi_temp_path {root}; scgi_temp_path {root};
  upstream sarau {{ {servers} }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://sarau; proxy_set_header Host $http_host;
      proxy_request_buffering off; proxy_http_version 1.1; client_max_body_size 0;
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Place:
    """Servers over the same data, and what stands before them."""

    servers: tuple[Server, ...]
    front: Sequence[int]


@contextlib.contextmanager
def nginx(directory: Path, ports: Sequence[int]) -> Iterator[int]:
    port = free_port()
    directory.mkdir()
    config = directory / "nginx.conf"
    servers = " ".join(f"server 127.0.0.1:{one} fail_timeout=1s;" for one in ports)
    config.write_text(_NGINX.format(root=directory, port=port, servers=servers))
    process = subprocess.Popen(["/usr/sbin/nginx", "-p", str(directory), "-c", str(config)])
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(
    params=["1 sqlite", "2 sqlite", "2 sqlite nginx", "1 postgresql", "2 postgresql"],
    ids=lambda text: text.replace(" ", "-"),
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    count, database, *front = request.param.split()
    environment = {}
    if database == "postgresql":
        postgresql: Postgresql = request.getfixturevalue("postgresql")
        environment["SARAU_DATABASE_URL"] = postgresql.new_catalog()
    servers = tuple(Server(tmp_path / "data", **environment) for _ in range(int(count)))
    with contextlib.ExitStack() as stack:
        for server in servers:
            server.start()
            stack.callback(server.kill)
        ports = [int(server.url.rpartition(":")[2]) for server in servers]
        if front:
            ports = [stack.enter_context(nginx(tmp_path / "nginx", ports))]
        yield Place(servers, ports)


def kill_each(servers: Sequence[Server], sending: Sequence[Sending]) -> int:
    """Kill one server after the other while something is being sent; return how often."""
    kills = 0
    for server in (*servers, servers[0]):
        time.sleep(0.8)
        if not any(one.is_alive() for one in sending):
            break
        server.kill()
        kills += 1
        server.start()
    return kills


def tracks(server: Server, filename: str) -> list[dict[str, object]]:
    """Return the tracks of a file that was sent whole: a lost answer leaves others behind."""
    with server.client() as client:
        found = client.get("/api/v1/tracks", params={"limit": 200}).json()["items"]
    return [one for one in found if one["filename"] == filename and one["state"] != "receiving"]


def check(place: Place, path: Path) -> None:
    """One track, and its source is what was sent."""
    [track] = tracks(place.servers[0], path.name)
    ready = place.servers[-1].wait_for(str(track["id"]), "ready")
    with place.servers[0].client() as client:
        got = client.get(ready["source"]["url"]).content
    assert hashlib.sha256(got).digest() == hashlib.sha256(path.read_bytes()).digest()


def send_through(place: Place, trouble: str, directory: Path) -> None:
    directory.mkdir()
    files = {
        name: write_music(directory / f"{trouble} {name.replace('/', '-')}.wav", seconds=10, seed=n)
        for n, name in enumerate(SENDERS, start=10 * len(trouble))
    }
    rate = SLOW if trouble == "kill" else FAST
    proxies = {
        name: Proxy(place.front, bytes_per_s=rate, troubles=TROUBLES[trouble]) for name in SENDERS
    }
    sending = [Sending(name, proxies[name].url, path) for name, path in files.items()]
    began = time.monotonic()
    for one in sending:
        one.start()
    kills = kill_each(place.servers, sending) if trouble == "kill" else 0
    for one in sending:
        one.join(150)
        assert not one.is_alive(), f"{one.name} never finished"
        assert one.error is None, f"{one.name}: {one.error!r}"
    took_s = time.monotonic() - began
    for name, path in files.items():
        assert proxies[name].left == [], f"{name} was spared"
        check(place, path)
    for proxy in proxies.values():
        proxy.close()
    what = " ".join(TROUBLES[trouble]) or f"{kills} x kill -9"
    print(f"\n{what}: {', '.join(files)}: one track each, bytes equal, {took_s:.0f} s")
    if trouble == "kill":
        assert kills > 0


def test_every_client_finishes_through_every_trouble(place: Place, tmp_path: Path) -> None:
    install()
    for trouble in TROUBLES:
        send_through(place, trouble, tmp_path / trouble)


def test_uppy_goes_on_after_a_reload(server: Server, tmp_path: Path) -> None:
    path = write_music(tmp_path / "reloaded.wav", seconds=10)
    place = Place((server,), [int(server.url.rpartition(":")[2])])
    proxy = Proxy(place.front, bytes_per_s=SLOW)
    html = install()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        serve_uppy(page, proxy.url, html)
        page.locator("input").set_input_files(path)
        while not (before := acknowledged(server)):
            page.wait_for_timeout(50)
        page.reload()
        offsets: list[int] = []
        page.on(
            "request",
            lambda one: (
                offsets.append(int(one.headers["upload-offset"])) if one.method == "PATCH" else None
            ),
        )
        page.locator("input").set_input_files(path)
        page.wait_for_function("() => window.finished")
        browser.close()
    assert offsets[0] >= before
    check(place, path)
    with server.client() as client:
        assert len(client.get("/api/v1/tracks").json()["items"]) == 1
    proxy.close()


def acknowledged(server: Server) -> int:
    with server.client() as client:
        items = client.get("/api/v1/tracks").json()["items"]
    return int(items[0]["upload"]["offset_bytes"]) if items else 0
