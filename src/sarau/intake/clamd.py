"""A client of clamd: streams a file and understands every answer, or fails.

The protocol is that of clamd(8): `zINSTREAM`, chunks with their length before them in
network order, an empty chunk at the end, one line as the answer. Only the one answer
that says so means clean.
"""

import re
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sarau.errors import FailedCode, FailedError
from sarau.storage import durable

_CHUNK_BYTES = 1 << 20
_CONNECT_S = 5.0
_ANSWER_S = 600.0
"""Longer than clamd's own limit for one file (MaxScanTime, two minutes by default)."""
_LOOK_S = 2.0
"""Whoever looks whether it is there does not wait until it has time."""
_LONGEST_ANSWER_BYTES = 4096
_ADDRESS = re.compile(r"unix:(?P<path>/.+)|tcp:(?P<host>[^:]+|\[.+\]):(?P<port>\d+)")
_VERSION = b"zVERSION\0"
_LIMIT = "Heuristics.Limits.Exceeded"


@dataclass(frozen=True, slots=True)
class Scan:
    """What the scanner said of a file."""

    scanner: str
    """Its version and that of its signatures."""
    found: str | None
    """The signature that matched; None when the file is clean."""


class Clamd:
    """A clamd at `unix:/path` or `tcp:host:port`. Thread-safe.

    Args:
        address: Where it listens.
        max_bytes: Its `MaxFileSize`. It passes what is larger without looking at it, so
            that is never sent.

    Raises:
        ValueError: The address has neither form.

    """

    def __init__(self, address: str, *, max_bytes: int) -> None:
        found = _ADDRESS.fullmatch(address)
        if found is None:
            raise ValueError(f"{address!r} is neither unix:/path nor tcp:host:port")
        self._path = found["path"]
        self._host = (found["host"] or "").strip("[]")
        self._port = int(found["port"] or 0)
        self._max_bytes = max_bytes

    def version(self) -> str:
        """Return the scanner's version.

        Raises:
            FailedError: `scanner_unavailable`, also when it does not say it within seconds.

        """
        return self._call(_VERSION, answer_s=_LOOK_S)

    def is_there(self) -> bool:
        """Tell whether the scanner answers within seconds."""
        try:
            return self._call(b"zPING\0", answer_s=_LOOK_S) == "PONG"
        except FailedError:
            return False

    def scan(self, path: Path, on_chunk: Callable[[], None]) -> Scan:
        """Let the scanner read a whole file.

        Args:
            path: The file.
            on_chunk: Called now and then; what it raises ends the scan.

        Raises:
            FailedError: `scanner_limit` when the file is larger than the scanner takes,
                `disk_error` when it cannot be read, `scanner_unavailable` for
                everything else that is not a verdict.

        """
        with durable.translated():
            size_bytes = path.stat().st_size
        if size_bytes > self._max_bytes:
            raise FailedError(
                FailedCode.SCANNER_LIMIT, f"{size_bytes} bytes, {self._max_bytes} are scanned"
            )
        scanner = self._call(_VERSION, answer_s=_ANSWER_S)

        def send(connection: socket.socket) -> None:
            for chunk in _chunks(path):
                on_chunk()
                connection.sendall(struct.pack("!I", len(chunk)) + chunk)
            connection.sendall(struct.pack("!I", 0))

        return _judge(scanner, self._call(b"zINSTREAM\0", send, answer_s=_ANSWER_S))

    def _call(
        self,
        command: bytes,
        send: Callable[[socket.socket], None] = lambda _connection: None,
        *,
        answer_s: float,
    ) -> str:
        try:
            with self._connect() as connection:
                connection.sendall(command)
                connection.settimeout(answer_s)
                # A scanner that has heard enough answers and closes: its answer counts.
                with suppress(BrokenPipeError, ConnectionResetError):
                    send(connection)
                return _read_line(connection)
        except OSError as error:
            raise FailedError(FailedCode.SCANNER_UNAVAILABLE, str(error)) from error

    def _connect(self) -> socket.socket:
        if not self._path:
            return socket.create_connection((self._host, self._port), timeout=_CONNECT_S)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(_CONNECT_S)
            connection.connect(self._path)
        except OSError:
            connection.close()
            raise
        return connection


def _chunks(path: Path) -> Iterator[bytes]:
    with durable.translated():
        file = path.open("rb")
    with file:
        while True:
            with durable.translated():
                chunk = file.read(_CHUNK_BYTES)
            if not chunk:
                return
            yield chunk


def _read_line(connection: socket.socket) -> str:
    answer = b""
    while b"\0" not in answer and len(answer) < _LONGEST_ANSWER_BYTES:
        part = connection.recv(_LONGEST_ANSWER_BYTES)
        if not part:
            break
        answer += part
    line, end, _ = answer.partition(b"\0")
    if not end:
        raise FailedError(FailedCode.SCANNER_UNAVAILABLE, f"it broke off: {answer!r}")
    return line.decode(errors="replace")


def _judge(scanner: str, answer: str) -> Scan:
    said = answer.removeprefix("stream: ")
    if said == "OK":
        return Scan(scanner, None)
    if said.startswith(_LIMIT) or "size limit exceeded" in said:
        raise FailedError(FailedCode.SCANNER_LIMIT, said)
    if said.endswith(" FOUND"):
        return Scan(scanner, said.removesuffix(" FOUND"))
    raise FailedError(FailedCode.SCANNER_UNAVAILABLE, said or "it said nothing")
