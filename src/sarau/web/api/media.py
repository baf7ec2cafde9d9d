"""The bytes of sources and renditions: by range, with validators, and safe to open."""

from contextlib import ExitStack
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from sarau.catalog import tracks
from sarau.delivery import Deliverable, Entry, write_archive
from sarau.delivery.deliverable import content_disposition, display_name
from sarau.model.ids import TrackId
from sarau.web.api.context import Owner, Rooms
from sarau.web.api.parts import answer_part
from sarau.web.api.validators import is_unchanged

router = APIRouter(prefix="/tracks/{track_id}", tags=["media"])

_REVALIDATE = "private, no-cache"


class _HeldFile(FileResponse):
    """A file that its library holds on to until the last byte is sent, or the reader is gone."""

    def __init__(self, found: Deliverable, headers: dict[str, str]) -> None:
        self._held = ExitStack()
        path = self._held.enter_context(found.local())
        super().__init__(path, headers=headers, media_type=found.media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file and let go of it."""
        with self._held:
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
def get_part(
    rooms: Rooms, owner: Owner, request: Request, track_id: str, name: str, part: str
) -> Response:
    """Return a file of an HLS set: give a player the one that is called index.m3u8."""
    found = rooms.delivery.rendition(TrackId(track_id), name, owner)
    return answer_part(request, found, found.part(part), part)


@router.head("/archive.zip", include_in_schema=False)
@router.get("/archive.zip", response_class=StreamingResponse)
def get_archive(rooms: Rooms, owner: Owner, request: Request, track_id: str) -> Response:
    """Return all renditions of a track in one zip."""
    with rooms.database.read() as connection:
        track = tracks.get(connection, TrackId(track_id), owner_id=owner)
    found = rooms.delivery.renditions(track.id, owner)
    entries = [Entry(one.local(), one.filename) for one in found]
    return StreamingResponse(
        () if request.method == "HEAD" else write_archive(entries),
        media_type="application/zip",
        headers={
            "Content-Disposition": content_disposition(
                f"{display_name(track)}.zip", attachment=True
            ),
            "Cache-Control": "no-store",
        },
    )
