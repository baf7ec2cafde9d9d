"""The thread that receives a large body: it stops when it is told to, however fast bytes come."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from sarau.web import body_sink
from sarau.web.body_sink import Arrived, Write, _Pump

MIB = 1 << 20
ENDLESS = 1 << 50


class Run:
    """A pump at work in a thread of its own."""

    def __init__(self, sock: socket.socket, write: Write) -> None:
        self.pump = _Pump(sock, bytearray(), ENDLESS, write, idle_s=60)
        self.arrived: list[Arrived] = []
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self.arrived.append(self.pump.run())

    def wait(self, most_s: float) -> Arrived:
        self.thread.join(most_s)
        assert not self.thread.is_alive()
        return self.arrived[0]


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)  # noqa: FBT003 - the socket's own call
    with ours, theirs:
        yield ours, theirs


def test_a_body_that_comes_faster_than_it_is_written_is_stopped(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []

    def write(data: memoryview) -> None:
        written.append(len(data))
        time.sleep(0.01)

    run = Run(ends[0], write)
    monkeypatch.setattr(run.pump, "_receive", len)  # there is always a buffer full to be had
    run.thread.start()
    while not written:
        time.sleep(0.01)
    run.pump.stop()
    arrived = run.wait(20)
    assert (arrived.whole, arrived.error) == (False, None)
    assert set(written) == {MIB}
    run.pump.close()


def test_a_body_that_does_not_come_is_stopped(ends: tuple[socket.socket, socket.socket]) -> None:
    written = bytearray()
    run = Run(ends[0], written.extend)
    ends[1].sendall(b"abc")
    run.thread.start()
    time.sleep(0.1)
    run.pump.stop()
    assert not run.wait(20).whole
    assert written == b"abc"
    run.pump.close()


def test_a_refused_body_is_read_on_only_for_so_long(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it comes or not: the limit is one of the whole, not of each look."""
    monkeypatch.setattr(body_sink, "_DISCARD_S", 0.2)
    monkeypatch.setattr(body_sink, "_DISCARD_BYTES", ENDLESS)
    refused = OSError("no room")

    def write(_data: memoryview) -> None:
        raise refused

    run = Run(ends[0], write)
    ends[1].sendall(b"abc")
    run.thread.start()
    assert run.wait(20).error is refused
    run.pump.close()
