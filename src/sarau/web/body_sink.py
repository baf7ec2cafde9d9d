"""A uvicorn protocol that hands a request's body over without the event loop.

uvicorn parses every chunk of a body in Python, in the event loop. For a large body a
worker thread reads the socket itself, into one buffer that it uses again and again:
socket, buffer, file, as nginx does it. While it works the transport is paused; after
it the parser starts anew, at the next request.

The application finds it in its scope's extensions as `sarau.body_sink`, an async
callable of the type `Sink`. It is missing under TLS, on systems that are not Linux
and when too many bodies are being received this way; `receive()` then works as ever.

A second extension, `sarau.interim`, sends an interim response (a status from 102 to 199):
an async callable that takes the status, its phrase and the headers, and tells whether it did.
"""

import os
import select
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.utils import is_ssl

from sarau.web.pace import Pace
from sarau.web.request_head import LimitedHead
from sarau.web.stop import Stop
from sarau.web.threads import ended

EXTENSION = "sarau.body_sink"
INTERIM = "sarau.interim"
BUFFER_BYTES = 1 << 20
_WAKE_BYTES = 512 << 10
_LOOK_S = 1.0
_MOST_AT_ONCE = 64
_DISCARD_BYTES = 64 << 20
_DISCARD_S = 5.0

# Bodies beyond the limit are received by the event loop; some may have been offered the
# sink while others were about to take it, and a body must never wait for a thread.
_threads = ThreadPoolExecutor(2 * _MOST_AT_ONCE, thread_name_prefix="body-sink")
_running = 0

Write = Callable[[memoryview], None]


@dataclass(frozen=True, slots=True)
class Arrived:
    """How a body ended."""

    whole: bool
    """False when the client went away, stalled, or was told to stop."""
    error: Exception | None = None
    """What `write` raised; nothing was written after it."""


class Sink(Protocol):
    """Reads the rest of the body and calls `write` with it, in a worker thread."""

    async def __call__(self, write: Write, *, stop: Stop, idle_s: float) -> Arrived:
        """Return when the body has ended, `stop` was requested or nothing came for `idle_s`."""


class _Pump:
    """The worker thread's side: everything it touches is its own."""

    def __init__(
        self, sock: socket.socket, early: bytearray, left: int, write: Write, idle_s: float
    ) -> None:
        self._sock = sock
        self._early = early
        self._left = left
        self._write = write
        self._idle_s = idle_s
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(sock.fileno(), select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)
        self._buffer = memoryview(bytearray(min(BUFFER_BYTES, left or 1)))
        self._least = 1
        self._ended = False
        self._stopped = False

    def stop(self) -> None:
        """Make `run` return soon, waiting or not; called by the event loop."""
        self._stopped = True
        os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        os.close(self._wake)
        self._sock.close()

    def run(self) -> Arrived:
        try:
            if self._early:
                self._write(memoryview(self._early))
            pace = Pace(self._idle_s)
            # Of a body that comes faster than it is written, nothing is ever waited for.
            while self._left and not self._ended and not self._stopped:
                if filled := self._fill(time.monotonic() + self._idle_s):
                    self._left -= filled
                    self._write(self._buffer[:filled])
                if pace.is_lost(filled):
                    break
        except Exception as error:  # noqa: BLE001 - handed to the request, which answers with it
            self._discard()
            return Arrived(whole=not self._left, error=error)
        finally:
            self._wake_from(1)
        return Arrived(whole=not self._left)

    def _fill(self, deadline: float) -> int:
        """Return how many bytes came: a buffer full, or fewer at the end or from a slow client."""
        most = min(len(self._buffer), self._left)
        filled = 0
        while filled < most:
            got = self._receive(self._buffer[filled:most])
            if got:
                filled += got
            elif got == 0 or self._stopped or time.monotonic() > deadline:
                self._ended = True
                break
            elif not self._wait(self._left - filled) and filled:
                break
        return filled

    def _receive(self, view: memoryview) -> int | None:
        """Return how many bytes were there, 0 when no more will come, None when they may."""
        try:
            return os.readv(self._sock.fileno(), [view])
        except BlockingIOError:
            return None
        except OSError:
            return 0

    def _wait(self, most: int) -> bool:
        """Tell whether bytes came before it was time to look."""
        # Woken for every packet, a thread would spend its time on being woken.
        self._wake_from(min(_WAKE_BYTES, most))
        ready = {fd for fd, _ in self._poll.poll(_LOOK_S * 1000)}
        return self._sock.fileno() in ready

    def _wake_from(self, least: int) -> None:
        if least != self._least:
            with suppress(OSError):  # a connection that was reset is noticed by reading
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, least)
            self._least = least

    def _discard(self) -> None:
        """Read on for a while, so that the client comes to read our answer."""
        deadline = time.monotonic() + _DISCARD_S
        if self._left > _DISCARD_BYTES:
            return
        while self._left and not (self._ended or self._stopped) and time.monotonic() < deadline:
            self._left -= self._fill(deadline)


def _write(body: bytearray, write: Write) -> Arrived:
    """Write a body that came together with its head."""
    try:
        write(memoryview(body))
    except Exception as error:  # noqa: BLE001 - handed to the request, which answers with it
        return Arrived(whole=True, error=error)
    return Arrived(whole=True)


class SinkProtocol(LimitedHead):
    """uvicorn's own protocol, with the extensions and limits on the head of a request."""

    flow: FlowControl

    def on_headers_complete(self) -> None:
        """Offer the extensions to the application."""
        extensions: dict[str, Any] = {INTERIM: self._interim}
        if _running < _MOST_AT_ONCE and sys.platform == "linux" and not is_ssl(self.transport):
            extensions[EXTENSION] = self._sink
        self.scope["extensions"] = extensions
        super().on_headers_complete()

    async def _interim(self, status: int, phrase: str, headers: dict[str, str]) -> bool:
        cycle = self.cycle
        # HTTP/1.0 knows no interim responses.
        if cycle.response_started or cycle.disconnected or cycle.scope["http_version"] != "1.1":
            return False
        lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {headers[name]}" for name in headers)]
        self.transport.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        return True

    async def _sink(self, write: Write, *, stop: Stop, idle_s: float) -> Arrived:
        cycle = self.cycle
        length = int(dict(cycle.scope["headers"])[b"content-length"])
        if cycle.waiting_for_100_continue:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            cycle.waiting_for_100_continue = False
        self.flow.pause_reading()
        early, cycle.body = cycle.body, bytearray()
        # Until the body has ended, nobody knows where the next request would begin.
        cycle.keep_alive, keep_alive = False, cycle.keep_alive
        if self.transport.is_closing() or cycle.disconnected:
            return Arrived(whole=False)
        left = length - len(early)
        if left:
            arrived = await self._pump(early, left, write, stop, idle_s)
        else:
            arrived = await ended(_threads.submit(_write, early, write))
        if arrived.whole:
            cycle.keep_alive = keep_alive
            if left:
                self._start_anew(cycle)
        return arrived

    async def _pump(
        self, early: bytearray, left: int, write: Write, stop: Stop, idle_s: float
    ) -> Arrived:
        global _running  # noqa: PLW0603 - the threads it counts are the process's
        self._unset_keepalive_if_required()
        # A copy of the socket stays ours, whatever becomes of the transport meanwhile.
        number = self.transport.get_extra_info("socket").fileno()
        pump = _Pump(socket.socket(fileno=os.dup(number)), early, left, write, idle_s)
        _running += 1
        try:
            with stop.calling(pump.stop):
                return await ended(_threads.submit(pump.run), hurry=pump.stop)
        finally:
            _running -= 1
            pump.close()

    def _start_anew(self, cycle: Any) -> None:  # noqa: ANN401 - uvicorn's private class
        # The parser has not seen this body, and waits for it still.
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        cycle.more_body = False
