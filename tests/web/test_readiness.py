"""What hangs is told, and keeps nobody else waiting."""

import socket
import threading
from collections.abc import Iterator

import pytest
from tests.web.conftest import Open
from tests.web.in_process import ask_at_once

from sarau.intake import clamd
from sarau.storage import Volume, VolumeStatus
from sarau.web import places


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A scanner that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as opened:
        opened.settimeout(0)
        yield opened


def _connections(opened: socket.socket) -> int:
    count = 0
    while True:
        try:
            opened.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def test_a_scanner_that_hangs_is_told_to_all_who_ask_by_one_look(
    open_here: Open, silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clamd, "_LOOK_S", 0.2)
    app = open_here(clamd=f"tcp:127.0.0.1:{silent.getsockname()[1]}")
    *answers, figures = ask_at_once(app, [("GET", "/readyz")] * 40 + [("GET", "/metrics")])
    assert figures.status_code == 200
    found = [answer.json() for answer in answers]
    assert {one["status"] for one in found} == {"degraded"}
    assert {one["checks"]["scanner"]["code"] for one in found} == {"scanner_unavailable"}
    assert _connections(silent) == 1


def test_a_disk_that_hangs_is_told_and_keeps_nobody(
    open_here: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "_WAIT_S", 0.05)
    may_answer = threading.Event()
    may_answer.set()
    usual = Volume.check

    def check(volume: Volume) -> VolumeStatus:
        if volume.role == "intake":
            may_answer.wait()
        return usual(volume)

    monkeypatch.setattr(Volume, "check", check)
    app = open_here()
    may_answer.clear()
    try:
        ready, figures = ask_at_once(app, [("GET", "/readyz"), ("GET", "/metrics")])
    finally:
        may_answer.set()
    assert ready.status_code == 503
    found = ready.json()["checks"]
    assert (found["intake"]["code"], found["library"]["ok"]) == ("disk_timeout", True)
    lines = figures.text.splitlines()
    assert 'sarau_volume_ok{volume="intake"} 0.0' in lines
    assert 'sarau_volume_ok{volume="library"} 1.0' in lines
    assert not [line for line in lines if 'free_bytes{volume="intake"}' in line]
