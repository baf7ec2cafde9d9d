"""What hangs is told, and keeps nobody else waiting."""

import socket
from collections.abc import Iterator

import pytest
from tests.web.conftest import Open
from tests.web.in_process import ask_at_once

from sarau.intake import clamd


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
