"""The bytes of sources and renditions: by range, with validators, and safe to open."""

from contextlib import ExitStack
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from sarau.app import App
from sarau.catalog import tracks
from sarau.delivery import Deliverable, Entry, write_archive
from sarau.delivery.deliverable import content_disposition, display_name
from sarau.model.ids import TrackId, UserId
from sarau.web.api.context import Owner, Rooms
from sarau.web.api.parts import answer_part
from sarau.web.api.validators import is_unchanged
from sarau.web.fetching import fetch, fetch_each, open_bytes

router = APIRouter(prefix="/tracks/{track_id}", tags=["media"])

_REVALIDATE = "private, no-cache"


class _HeldFile(FileResponse):
    """A file that its library holds on to until the last byte is sent, or the reader is gone."""

    def __init__(self, found: Deliverable, headers: dict[str, str]) -> None:
        # Where it is will be known when it is fetched.
        super().__init__("", headers=headers, media_type=found.media_type)
        self._found = found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Fetch the file, send it and let go of it."""
        with ExitStack() as held:
            hold = partial(held.enter_context, self._found.local())
            self.path = await open_bytes(self._found, hold)
            await super().__call__(scope, receive, send)


def answer_file(request: Request, found: Deliverable, *, attachment: bool) -> Response:
    """Serve a file, or say where it is; Starlette's own answer knows ranges (RFC 9110)."""
    etag = f'"{found.sha256}"'
    headers = {"ETag": etag, "Cache-Control": _REVALIDATE, "Accept-Ranges": "bytes"}
    if is_unchanged(request, etag):
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = content_disposition(found.filename, attachment=attachment)
    if request.method == "HEAD":
        # The catalog knows; and an address elsewhere is signed for GET alone.
        headers["Content-Length"] = str(found.size_bytes)
        return Response(headers=headers, media_type=found.media_type)
    # What the page plays comes from here in any case: its policy allows no other origin.
    elsewhere = found.download_url() if attachment else None
    if elsewhere is not None:
        return RedirectResponse(elsewhere, headers={"Cache-Control": "no-store"})
    return _HeldFile(found, headers)


@router.head("/source", include_in_schema=False)
@router.get("/source", response_class=FileResponse)
def get_source(rooms: Rooms, owner: Owner, request: Request, track_id: str) -> Response:
    """Return the file as it was sent; never shown by a browser, only saved or played."""
    found = rooms.delivery.source(TrackId(track_id), owner)
    return answer_file(request, found, attachment=True)


@router.head("/renditions/{name}", include_in_schema=False)
@router.get("/renditions/{name}", response_class=FileResponse)
def get_rendition(
    rooms: Rooms,
    owner: Owner,
    request: Request,
    track_id: str,
    name: str,
    *,
    download: Annotated[bool, Query()] = False,
) -> Response:
    """Return a rendition to play, or with `download=1` to save."""
    found = rooms.delivery.rendition(TrackId(track_id), name, owner)
    return answer_file(request, found, attachment=download)


@router.head("/renditions/{name}/{part}", include_in_schema=False)
@router.get("/renditions/{name}/{part}", response_class=StreamingResponse)
async def get_part(
    rooms: Rooms, owner: Owner, request: Request, track_id: str, name: str, part: str
) -> Response:
    """Return a file of an HLS set: give a player the one that is called index.m3u8."""
    found = await run_in_threadpool(rooms.delivery.rendition, TrackId(track_id), name, owner)
    return answer_part(request, found, await open_bytes(found, lambda: found.part(part)), part)


@router.head("/archive.zip", include_in_schema=False)
@router.get("/archive.zip", response_class=StreamingResponse)
async def get_archive(rooms: Rooms, owner: Owner, request: Request, track_id: str) -> Response:
    """Return all renditions of a track in one zip."""
    name, entries = await fetch(lambda: _archive(rooms, owner, TrackId(track_id)))
    headers = {
        "Content-Disposition": content_disposition(f"{name}.zip", attachment=True),
        "Cache-Control": "no-store",
    }
    if request.method == "HEAD":
        return Response(headers=headers, media_type="application/zip")
    body = fetch_each(write_archive(entries))
    return StreamingResponse(body, headers=headers, media_type="application/zip")


def _archive(rooms: App, owner: UserId, track_id: TrackId) -> tuple[str, list[Entry]]:
    with rooms.database.read() as connection:
        track = tracks.get(connection, track_id, owner_id=owner)
    found = rooms.delivery.renditions(track.id, owner)
    return display_name(track), [Entry(one.local(), one.filename) for one in found]
