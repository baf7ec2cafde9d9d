"""Bytes of the library's objects, whole or by range, in threads that nobody else needs."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from io import FileIO
from typing import Final

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from sarau.delivery.deliverable import Deliverable, Part
from sarau.web.api.validators import is_unchanged
from sarau.web.fetching import NEAR, open_bytes

_CHUNK_BYTES: Final = 1 << 18
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_NOTHING: Final = range(0)


def answer_bytes(
    request: Request, found: Deliverable, part: Part, *, etag: str, headers: Mapping[str, str]
) -> Response:
    """Return a part of an object, or the one range of it that is asked for (RFC 9110, 14).

    Several ranges at once are answered by the whole, which that standard allows.
    """
    always = {"ETag": etag, "Cache-Control": "private, no-cache", "Accept-Ranges": "bytes"}
    if is_unchanged(request, etag):
        return Response(status_code=304, headers=always)
    headers = {**always, **headers}
    size = part.size_bytes
    if request.method == "HEAD":
        # A range is of GET alone (RFC 9110, 14.2).
        headers["Content-Length"] = str(size)
        return Response(headers=headers, media_type=part.media_type)
    wanted = _wanted(request, size, etag)
    if wanted == _NOTHING:
        return Response(status_code=416, headers=always | {"Content-Range": f"bytes */{size}"})
    span = wanted or range(size)
    headers["Content-Length"] = str(len(span))
    if wanted is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
    status = 200 if wanted is None else 206
    return _HeldBytes(found, part, span, status_code=status, headers=headers)


class _HeldBytes(StreamingResponse):
    """Bytes whose library holds on to them until the last one is sent, or the reader is gone."""

    def __init__(
        self,
        found: Deliverable,
        part: Part,
        span: range,
        *,
        status_code: int,
        headers: Mapping[str, str],
    ) -> None:
        # What is read will be known when it is opened.
        super().__init__((), status_code, headers, part.media_type)
        self._found = found
        self._start = part.offset + span.start
        self._count = len(span)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open the bytes, send them and let go of them."""
        with ExitStack() as held:

            def open_it() -> FileIO:
                path = held.enter_context(self._found.local())
                return held.enter_context(path.open("rb", buffering=0))

            file = await open_bytes(self._found, open_it)
            self.body_iterator = NEAR.each(_read(file, self._start, self._count))
            await super().__call__(scope, receive, send)


def _wanted(request: Request, size: int, etag: str) -> range | None:
    """Return the range that is asked for, None for everything, an empty one for none there is."""
    given = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if given is None or request.headers.get("if-range", etag) != etag or given[0] == "bytes=-":
        return None
    if not given[1]:
        start, stop = max(0, size - int(given[2])), size
    else:
        start, stop = int(given[1]), min(size, int(given[2]) + 1) if given[2] else size
    if given[1] and given[2] and int(given[2]) < start:
        return None
    return range(start, stop) if start < stop else _NOTHING


def _read(file: FileIO, start: int, count: int) -> Iterator[bytes]:
    if start:
        file.seek(start)
    while count and (chunk := file.read(min(count, _CHUNK_BYTES))):
        count -= len(chunk)
        yield chunk
