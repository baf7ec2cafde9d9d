"""A uvicorn protocol that waits for the head of a request only so long, and takes only so much.

uvicorn itself waits for ever, and its parser keeps a header field of any length in memory
until the field ends. A client that never gets to the end of its headers would cost a
connection, and as much memory as it likes.
"""

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sarau.observe import figures

HEAD_S = 20.0
"""From the first byte of a request, or from connecting, to the end of its headers."""
_MOST_BYTES = 64 << 10


class LimitedHead(HttpToolsProtocol):
    """uvicorn's own protocol, with limits on the time and the size of a request's head."""

    _head_bytes = 0
    _in_head = False
    _too_late: asyncio.TimerHandle | None = None
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Wait for the first request."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._had_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and look whether what it was fed was still not the whole head."""
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head or self._is_between_requests():
            self._expect_head()
        if self._in_head:
            # The parser tells of a field when it ends; what never ends is counted here.
            self._head_bytes += len(data)
            if self._head_bytes > _MOST_BYTES:
                self._refuse(431, "Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        """Start a request."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """Go on with a request whose head is whole, unless there is too much of it."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > _MOST_BYTES:
            self._refuse(431, "Request Header Fields Too Large")
            # The parser goes on with what it has been fed: it must find no request in it.
            raise httptools.HttpParserError("headers too large")
        self._in_head = False
        self._had_head()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is not HTTP, unless it has been answered."""
        if not self._refused:
            super().send_400_response(msg)

    def _is_between_requests(self) -> bool:
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        return cycle is None or bool(cycle.response_complete)

    def _expect_head(self) -> None:
        if self._too_late is None:
            self._too_late = self.loop.call_later(HEAD_S, self._is_too_late)

    def _had_head(self) -> None:
        if self._too_late is not None:
            self._too_late.cancel()
            self._too_late = None

    def _is_too_late(self) -> None:
        self._too_late = None
        if self.transport.is_closing() or not self._is_between_requests():
            return
        if self._in_head:
            self._refuse(408, "Request Timeout")
        else:
            self.transport.close()

    def _refuse(self, status: int, phrase: str) -> None:
        figures.heads_refused.labels(str(status)).inc()
        self._refused = True
        answer = f"HTTP/1.1 {status} {phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        self.transport.write(answer.encode())
        self.transport.close()
