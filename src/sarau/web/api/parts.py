"""Files of an HLS set, served as the ranges of bytes that they are in the set's object."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import BinaryIO, Final

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import iterate_in_threadpool

from sarau.delivery.deliverable import Deliverable, Part
from sarau.web.api.validators import is_unchanged
from sarau.web.fetching import open_bytes

_CHUNK_BYTES: Final = 1 << 18
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_NOTHING: Final = range(0)


def answer_part(request: Request, found: Deliverable, part: Part, name: str) -> Response:
    """Return a part, or the one range of it that is asked for (RFC 9110, 14).

    Several ranges at once are answered by the whole, which that standard allows.
    """
    etag = f'"{found.sha256}/{name}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Accept-Ranges": "bytes"}
    if is_unchanged(request, etag):
        return Response(status_code=304, headers=headers)
    size = part.size_bytes
    if request.method == "HEAD":
        # A range is of GET alone (RFC 9110, 14.2).
        headers["Content-Length"] = str(size)
        return Response(headers=headers, media_type=part.media_type)
    wanted = _wanted(request, size, etag)
    if wanted == _NOTHING:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    span = wanted or range(size)
    headers["Content-Length"] = str(len(span))
    if wanted is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
    return StreamingResponse(
        _bytes(found, part.offset + span.start, len(span)),
        status_code=200 if wanted is None else 206,
        headers=headers,
        media_type=part.media_type,
    )


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


async def _bytes(found: Deliverable, start: int, count: int) -> AsyncIterator[bytes]:
    """Yield bytes of the object, which is held until the last one is sent."""
    with ExitStack() as held:

        def open_it() -> BinaryIO:
            path = held.enter_context(found.local())
            return held.enter_context(path.open("rb"))

        file = await open_bytes(found, open_it)
        async for chunk in iterate_in_threadpool(_read(file, start, count)):
            yield chunk


def _read(file: BinaryIO, start: int, count: int) -> Iterator[bytes]:
    file.seek(start)
    while count and (chunk := file.read(min(count, _CHUNK_BYTES))):
        count -= len(chunk)
        yield chunk
