"""Clients that take their time cost little, and keep nobody else from being served."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.web.raw import connect, head_of, reply
from tests.web.upload_server import TUS, UploadServer

MIB = 1 << 20
BYTES = {"Content-Type": "application/offset+octet-stream"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UploadServer]:
    """A server that is as patient for seconds as the real one is for a minute."""
    directory = tmp_path_factory.mktemp("slow")
    started = UploadServer(directory, options=("head=3", "idle=4")).start()
    yield started
    started.stop()


def memory_bytes(server: UploadServer) -> int:
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) << 10


def others_are_served(server: UploadServer) -> None:
    with httpx.Client() as client:
        assert client.get(f"{server.url}/ping").status_code == 200
    location = server.create(2 * MIB)
    assert server.patch(location, 0, b"x" * 2 * MIB).status_code == 204


def wait_for_end(opened: socket.socket) -> bytes:
    """Read until the server closes the connection; the socket's own limit ends the wait."""
    answer = b""
    with suppress(ConnectionResetError):
        while part := opened.recv(65_536):
            answer += part
    return answer


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (b"\r\n", b""),
        (b"GET /pi", b"HTTP/1.1 408"),
        (b"GET /ping HTTP/1.1\r\nHost: x\r\nX-Slow: a", b"HTTP/1.1 408"),
        (b"GET /ping HTTP/1.1\r\nHost: x\r\n", b"HTTP/1.1 408"),
    ],
)
def test_a_head_that_does_not_come_ends_the_connection(
    server: UploadServer, sent: bytes, answer: bytes
) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(server.port)) for _ in range(100)]
        for opened in slow:
            opened.sendall(sent)
        others_are_served(server)
        for opened in slow:
            assert wait_for_end(opened).startswith(answer)


def test_a_head_that_trickles_ends_the_connection(server: UploadServer) -> None:
    """Slowloris: a byte now and then keeps no connection open."""
    with connect(server.port) as opened:
        opened.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n")
        ended = False
        while not ended:
            try:
                opened.sendall(b"X-A: b\r\n")
                opened.settimeout(0.2)
                ended = bool(opened.recv(1))
            except TimeoutError:
                continue
            except OSError:
                ended = True


def test_the_second_head_on_a_connection_has_no_longer(server: UploadServer) -> None:
    with connect(server.port) as opened:
        opened.sendall(head_of("GET", "/ping", {}))
        assert reply(opened).status == 200
        opened.sendall(b"GET /ping HTTP/1.1\r\n")
        assert wait_for_end(opened).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    "begin",
    [b"GET /", b"GET /ping HTTP/1.1\r\nX-Endless: ", b"GET /ping HTTP/1.1\r\n" + b"X-A: b\r\n"],
    ids=["address", "field", "fields"],
)
def test_a_head_without_end_is_refused_before_it_fills_the_memory(
    server: UploadServer, begin: bytes
) -> None:
    before = memory_bytes(server)
    more = b"X-A: b\r\n" * 8192 if begin.endswith(b"\n") else b"a" * 65_536
    sent = 0
    with connect(server.port) as opened:
        opened.sendall(begin)
        with suppress(OSError):
            for _ in range(3200):
                opened.sendall(more)
                sent += len(more)
        assert sent < 100 * MIB
        with suppress(OSError):
            assert wait_for_end(opened).startswith(b"HTTP/1.1 431") or sent
    assert memory_bytes(server) - before < 32 * MIB
    others_are_served(server)


SMALL, LARGE, CHUNKED = 50_000, 4 * MIB, None


@pytest.mark.parametrize("size", [SMALL, LARGE, CHUNKED], ids=["small", "large", "chunked"])
def test_bodies_that_stall_give_up_their_place_and_keep_what_came(
    server: UploadServer, size: int | None
) -> None:
    """More of them than there are threads for large bodies."""
    before = memory_bytes(server)
    part = bytes(range(256)) * 100
    locations = [server.create(LARGE) for _ in range(90)]
    with ExitStack() as stack:
        slow = [
            stack.enter_context(begin_body(server, location, size, part)) for location in locations
        ]
        others_are_served(server)
        assert memory_bytes(server) - before < 150 * MIB
        for opened in slow:
            assert wait_for_end(opened).startswith(b"HTTP/1.1 408")
    for location in locations:
        assert server.offset(location) == len(part)
        assert server.content(location) == part
    rest = bytes(LARGE - len(part))
    assert server.patch(locations[0], len(part), rest).status_code == 204
    assert server.content(locations[0]) == part + rest


@pytest.mark.parametrize("size", [SMALL, LARGE, CHUNKED], ids=["small", "large", "chunked"])
def test_a_body_that_trickles_is_taken_to_be_gone_and_keeps_what_came(
    server: UploadServer, size: int | None
) -> None:
    location = server.create(LARGE)
    sent = trickle(begin_body(server, location, size, b""), chunked=size is None)
    offset = server.offset(location)
    assert 0 < offset <= sent
    assert server.content(location)[:offset] == b"z" * offset


def test_a_body_that_is_slow_but_comes_is_received(server: UploadServer) -> None:
    location, data = server.create(20_000), bytes(range(200)) * 100
    with begin_body(server, location, len(data), b"") as opened:
        for at in range(0, len(data), 1000):
            opened.sendall(data[at : at + 1000])
            time.sleep(0.3)
        assert reply(opened).status == 204
    assert server.content(location) == data


def begin_body(server: UploadServer, location: str, size: int | None, part: bytes) -> socket.socket:
    length: dict[str, Any] = {"Content-Length": str(size)}
    if size is None:
        length = {"Transfer-Encoding": "chunked"}
        part = b"%x\r\n%s\r\n" % (len(part), part) if part else b""
    opened = connect(server.port)
    path = "/files/" + location.rpartition("/")[2]
    headers = TUS | BYTES | {"Upload-Offset": "0"} | length
    opened.sendall(head_of("PATCH", path, headers) + part)
    return opened


def trickle(opened: socket.socket, *, chunked: bool) -> int:
    """Send a byte every tenth of a second until the server has enough of it."""
    sent = 0
    opened.settimeout(0.1)
    with opened:
        while True:
            try:
                opened.sendall(b"1\r\nz\r\n" if chunked else b"z")
                sent += 1
                if opened.recv(1):
                    return sent
            except TimeoutError:
                continue
            except OSError:
                return sent
