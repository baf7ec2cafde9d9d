"""A request's body, on its way to where it is written: by the sink where there is one."""

import asyncio
import contextvars
from collections.abc import Callable
from typing import TypeVar

from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from sarau.errors import RefusedCode, RefusedError
from sarau.observe import figures
from sarau.web.body_sink import EXTENSION, Arrived, Write
from sarau.web.headers import headers_of
from sarau.web.pace import Pace
from sarau.web.stop import Stop
from sarau.web.threads import in_thread

IDLE_S = 60.0
"""A client that sends next to nothing for so long is taken to be gone; it can resume."""
_SINK_FROM_BYTES = 256 << 10
_HAND_OVER_FROM_BYTES = 64 << 10
_BATCH_BYTES = 1 << 20
_DRAIN_BYTES = 64 << 20
_DRAIN_S = 5.0

Content = bytes | memoryview
"""A whole body; only for as long as what it is given to runs."""

Result = TypeVar("Result")


def content_length(headers: Headers) -> int | None:
    """Return the declared length of the body; None when there is none or it is chunked."""
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def has_body(headers: Headers) -> bool:
    """Tell whether a body comes that is not empty, or whose length nobody can read."""
    return "transfer-encoding" in headers or (
        "content-length" in headers and content_length(headers) != 0
    )


class Body:
    """The body of one request; read once, or drained."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.headers = headers_of(scope)
        self._scope = scope
        self._receive = receive
        self._touched = False
        self.ended = not has_body(self.headers)
        """Nothing is left to be read."""

    async def hand_over(self, work: Callable[[Content], Result]) -> Result | None:
        """Call `work`, in a worker thread, with a body that the caller knows to be small.

        Returns:
            What `work` returned; None when the body broke off, and then it was not called.

        Raises:
            RefusedError: `upload_too_large`, when more comes than the length says; a chunked
                body, which says none, is to be empty.

        """
        length = content_length(self.headers) or 0
        sink = self._scope.get("extensions", {}).get(EXTENSION)
        if sink is None or length < _HAND_OVER_FROM_BYTES:
            body = await self.read_small(length)
            if body is None:
                return None
            figures.upload_bytes.inc(len(body))
            return await in_thread(lambda: work(body))
        # The thread that reads the rest goes on with the work: each change of threads is dear.
        context = contextvars.copy_context()
        parts = bytearray()
        results: list[Result] = []

        def write(data: memoryview) -> None:
            content = data
            if len(data) < length:
                parts.extend(data)
                content = memoryview(parts)
            if len(content) == length:
                figures.upload_bytes.inc(length)
                results.append(context.run(work, content))

        self._touched = True
        arrived: Arrived = await sink(write, stop=Stop(), idle_s=IDLE_S)
        self.ended = True
        if arrived.error is not None:
            raise arrived.error
        return results[0] if results else None

    async def read_small(self, most: int) -> bytes | None:
        """Return the whole body; None when it broke off.

        Raises:
            RefusedError: `upload_too_large`, when it is longer than `most` bytes.

        """
        parts = bytearray()
        pace = Pace(IDLE_S)
        while not self.ended:
            try:
                async with asyncio.timeout(IDLE_S):
                    part = await self._next()
            except TimeoutError:
                part = None
            if part is None or pace.is_lost(len(part)):
                return None
            parts += part
            if len(parts) > most:
                detail = "the body is longer than declared"
                raise RefusedError(RefusedCode.UPLOAD_TOO_LARGE, detail)
        return bytes(parts)

    async def _next(self) -> bytes | None:
        self._touched = True
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.ended = True
            return None
        self.ended = not message.get("more_body", False)
        part: bytes = message.get("body", b"")
        return part

    async def write_to(self, write: Write, stop: Stop) -> Arrived:
        """Call `write` with the body, in worker threads, and say how it ended."""
        # The sink has threads of its own; what they do belongs to the request too.
        context = contextvars.copy_context()

        def counted(data: memoryview) -> None:
            context.run(write, data)
            figures.upload_bytes.inc(len(data))

        with figures.uploads_active.track_inprogress():
            return await self._write_to(counted, stop)

    async def _write_to(self, write: Write, stop: Stop) -> Arrived:
        length = content_length(self.headers)
        sink = self._scope.get("extensions", {}).get(EXTENSION)
        if sink is not None and length is not None and length >= _SINK_FROM_BYTES:
            self._touched = True
            arrived: Arrived = await sink(write, stop=stop, idle_s=IDLE_S)
            self.ended = True
            return arrived
        return await self._write_messages(write, stop)

    async def _write_messages(self, write: Write, stop: Stop) -> Arrived:
        batch = bytearray()
        whole = self.ended
        pace = Pace(IDLE_S)
        while not self.ended and not stop.requested:
            try:
                part = await self._next_or_stop(stop)
            except asyncio.CancelledError:
                write(memoryview(batch))
                raise
            if part is None:
                break
            batch += part
            whole = self.ended
            if pace.is_lost(len(part)):
                break
            if len(batch) >= _BATCH_BYTES:
                full, batch = batch, bytearray()
                if error := await self._write(write, full):
                    return Arrived(whole=whole, error=error)
        error = await self._write(write, batch) if batch else None
        return Arrived(whole=whole, error=error)

    async def _next_or_stop(self, stop: Stop) -> bytes | None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(IDLE_S) as limit:
                with stop.calling(lambda: limit.reschedule(loop.time())):
                    return await self._next()
        except TimeoutError:
            return None

    @staticmethod
    async def _write(write: Write, data: bytearray) -> Exception | None:
        try:
            await in_thread(lambda: write(memoryview(data)))
        except Exception as error:  # noqa: BLE001 - handed to the request, which answers with it
            return error
        return None

    async def drain(self) -> bool:
        """Read on for a while before an early answer; tell whether the whole body was read.

        A connection that is closed while the client still sends is reset, and most
        clients then never read why.
        """
        if self.headers.get("expect", "").lower() == "100-continue" and not self._touched:
            return False
        left = _DRAIN_BYTES
        if (content_length(self.headers) or 0) > left:
            return self.ended
        try:
            async with asyncio.timeout(_DRAIN_S):
                while not self.ended and left > 0:
                    left -= len(await self._next() or b"")
        except TimeoutError:
            return False
        return self.ended
