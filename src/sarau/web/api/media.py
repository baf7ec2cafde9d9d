"""The bytes of sources and renditions: by range, with validators, and safe to open."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from sarau.app import App
from sarau.catalog import tracks
from sarau.delivery import Deliverable, Entry, write_archive
from sarau.delivery.deliverable import content_disposition, display_name
from sarau.model.ids import TrackId, UserId
from sarau.web.api.byte_ranges import answer_bytes
from sarau.web.api.context import Owner, Rooms
from sarau.web.api.validators import is_unchanged
from sarau.web.fetching import FAR, open_bytes

router = APIRouter(prefix="/tracks/{track_id}", tags=["media"])


def answer_file(request: Request, found: Deliverable, *, attachment: bool) -> Response:
    """Serve a file, or say where it is."""
    etag = f'"{found.sha256}"'
    # An address elsewhere is signed for GET alone; and what the page plays comes from here in
    # any case: its policy allows no other origin.
    if attachment and request.method == "GET" and not is_unchanged(request, etag):
        elsewhere = found.download_url()
        if elsewhere is not None:
            return RedirectResponse(elsewhere, headers={"Cache-Control": "no-store"})
    name = {"Content-Disposition": content_disposition(found.filename, attachment=attachment)}
    return answer_bytes(request, found, found.whole(), etag=etag, headers=name)


@router.head("/source", include_in_schema=False)
@router.get("/source", response_class=StreamingResponse)
def get_source(rooms: Rooms, owner: Owner, request: Request, track_id: str) -> Response:
    """Return the file as it was sent; never shown by a browser, only saved or played."""
    found = rooms.delivery.source(TrackId(track_id), owner)
    return answer_file(request, found, attachment=True)


@router.head("/renditions/{name}", include_in_schema=False)
@router.get("/renditions/{name}", response_class=StreamingResponse)
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
    member = await open_bytes(found, lambda: found.part(part))
    return answer_bytes(request, found, member, etag=f'"{found.sha256}/{part}"', headers={})


@router.head("/archive.zip", include_in_schema=False)
@router.get("/archive.zip", response_class=StreamingResponse)
async def get_archive(rooms: Rooms, owner: Owner, request: Request, track_id: str) -> Response:
    """Return all renditions of a track in one zip."""
    name, entries = await FAR.run(lambda: _archive(rooms, owner, TrackId(track_id)))
    headers = {
        "Content-Disposition": content_disposition(f"{name}.zip", attachment=True),
        "Cache-Control": "no-store",
    }
    if request.method == "HEAD":
        return Response(headers=headers, media_type="application/zip")
    body = FAR.each(write_archive(entries))
    return StreamingResponse(body, headers=headers, media_type="application/zip")


def _archive(rooms: App, owner: UserId, track_id: TrackId) -> tuple[str, list[Entry]]:
    with rooms.database.read() as connection:
        track = tracks.get(connection, track_id, owner_id=owner)
    found = rooms.delivery.renditions(track.id, owner)
    return display_name(track), [Entry(one.local(), one.filename) for one in found]
