"""Requests written byte by byte, as no client library would send them."""

import json
import socket
from dataclasses import dataclass
from typing import Any

_WAIT_S = 30


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body) if self.body else {}
        return found


def connect(port: int) -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", port))
    opened.settimeout(_WAIT_S)
    return opened


def head_of(method: str, path: str, headers: dict[str, str | None]) -> bytes:
    """Return a request up to its body; a header that is None is left out."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return ("\r\n".join([*lines, "", ""])).encode("latin-1")


def chunked(body: bytes) -> bytes:
    """Return a body as one chunk, or none, and the end."""
    return (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"


def reply(opened: socket.socket, *, method: str = "POST") -> Reply:
    """Read one final answer; what is left on the connection stays unread."""
    file = opened.makefile("rb", buffering=0)
    while True:
        status = int(_line(file).split()[1])
        headers: dict[str, str] = {}
        while line := _line(file):
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if status >= 200:
            break
    left = 0 if method == "HEAD" else int(headers.get("content-length", "0"))
    body = b""
    while len(body) < left and (part := file.read(left - len(body))):
        body += part
    return Reply(status, headers, body)


def _line(file: Any) -> str:
    line = b""
    while not line.endswith(b"\r\n"):
        got = file.read(1)
        assert got, f"the connection ended after {line!r}"
        line += got
    return line[:-2].decode("latin-1")


def ask(
    port: int, method: str, path: str, headers: dict[str, str | None], body: bytes = b""
) -> Reply:
    """Send one request on a connection of its own and return the answer."""
    with connect(port) as opened:
        opened.sendall(head_of(method, path, headers) + body)
        return reply(opened, method=method)
