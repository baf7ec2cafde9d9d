"""HEAD, PATCH, DELETE and OPTIONS of tus 1.0."""

from contextlib import closing
from datetime import UTC
from email.utils import format_datetime

from sarau.errors import RefusedCode, RefusedError
from sarau.intake import Appender, is_finished
from sarau.model.ids import UploadId
from sarau.model.upload import Upload
from sarau.web.reception import has_body
from sarau.web.threads import in_thread
from sarau.web.tus import fields
from sarau.web.tus.appending import append
from sarau.web.tus.exchange import TUS_VERSION, Answer, Request, Server

MEDIA_TYPE = "application/offset+octet-stream"
DRAFT_MEDIA_TYPE = "application/partial-upload"
EXTENSIONS = (
    "creation,creation-with-upload,creation-defer-length,termination,checksum,expiration,"
    "concatenation"
)
METHODS = "POST, HEAD, PATCH, DELETE, OPTIONS"


def media_type(request: Request) -> str:
    """Return the media type of the body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def expires(upload: Upload) -> dict[str, str]:
    """Return `Upload-Expires` of an upload that is not finished."""
    if is_finished(upload):
        return {}
    # PostgreSQL's driver names the same zone in another way, which email.utils refuses.
    return {"Upload-Expires": format_datetime(upload.expires_at.astimezone(UTC), usegmt=True)}


async def inspect(server: Server, request: Request, *, finish: bool = False) -> Upload:
    """Return an upload as it is once nobody appends to it; a stalled holder is told to stop.

    Args:
        server: Where it is.
        request: Whose upload it is.
        finish: Call an upload whole that has all its bytes and that nobody called so.

    Raises:
        RefusedError: `not_found`, `upload_gone`, `upload_locked`.
        FailedError: As `Appender.finish`.

    """
    upload_id = UploadId(request.upload_id)

    def look() -> Upload:
        upload = server.intake.find(upload_id, request.owner_id)
        if not is_finished(upload) and server.intake.files.is_held(upload_id):
            raise RefusedError(RefusedCode.UPLOAD_LOCKED, "another request holds this upload")
        upload = server.intake.find(upload_id, request.owner_id)
        if finish and upload.offset_bytes == upload.size_bytes and not is_finished(upload):
            return _finish(server, request, upload_id)
        return upload

    async with server.turns.take(upload_id):
        return await server.turns.unlocked(upload_id, look)


def _finish(server: Server, request: Request, upload_id: UploadId) -> Upload:
    try:
        with closing(server.intake.append(upload_id, request.owner_id)) as appender:
            return appender.finish()
    except RefusedError as error:
        if error.code is not RefusedCode.WRONG_STATE:
            raise
        return server.intake.find(upload_id, request.owner_id)  # another process was faster


async def head(server: Server, request: Request) -> Answer:
    """Tell the truth about an upload.

    A client to which its offset is its length has nothing more to send, and never comes
    back: what it is told to be whole has to be so.
    """
    upload = await inspect(server, request, finish=True)
    headers = {"Upload-Offset": str(upload.offset_bytes), "Cache-Control": "no-store"}
    if upload.size_bytes is None:
        headers["Upload-Defer-Length"] = "1"
    else:
        headers["Upload-Length"] = str(upload.size_bytes)
    if upload.metadata_header:
        headers["Upload-Metadata"] = upload.metadata_header
    if upload.concat:
        headers["Upload-Concat"] = upload.concat
    if upload.track_id is not None:
        headers["Sarau-Track"] = upload.track_id
    return Answer(200, headers | expires(upload))


async def patch(server: Server, request: Request) -> Answer:
    """Append to an upload at the offset that the client names."""
    if media_type(request) != MEDIA_TYPE:
        raise RefusedError(RefusedCode.UPLOAD_MEDIA_TYPE, f"Content-Type must be {MEDIA_TYPE}")
    offset = fields.number(request.headers, "upload-offset")
    size = fields.number(request.headers, "upload-length")
    checksum = fields.checksum(request.headers)
    if offset is None:
        raise RefusedError(RefusedCode.INVALID_REQUEST, "Upload-Offset is missing")

    def prepare(appender: Appender) -> None:
        check_offset(appender.upload, offset)
        if size is not None:
            appender.declare_size(size)  # committed only if the body fits into it

    upload_id = UploadId(request.upload_id)
    finished = await in_thread(lambda: server.intake.find(upload_id, request.owner_id))
    if is_finished(finished):
        upload = _again(request, finished, offset)
    else:
        upload = await append(server, request, upload_id, prepare=prepare, checksum=checksum)
    return Answer(204, {"Upload-Offset": str(upload.offset_bytes)} | expires(upload))


def check_offset(upload: Upload, offset_bytes: int) -> None:
    """Compare the client's offset with ours.

    Raises:
        RefusedError: `upload_offset_mismatch`.

    """
    if offset_bytes != upload.offset_bytes:
        raise RefusedError(
            RefusedCode.UPLOAD_OFFSET_MISMATCH,
            f"{offset_bytes} was given, {upload.offset_bytes} is acknowledged",
        )


def _again(request: Request, upload: Upload, offset: int) -> Upload:
    """Answer a client that did not hear that its upload is whole."""
    if upload.concat and upload.concat.startswith("final"):
        raise RefusedError(RefusedCode.WRONG_STATE, "a final upload cannot be appended to")
    check_offset(upload, offset)
    if has_body(request.headers):
        raise RefusedError(RefusedCode.UPLOAD_TOO_LARGE, "the upload is whole already")
    return upload


async def delete(server: Server, request: Request) -> Answer:
    """Let go of an upload."""
    await in_thread(lambda: server.intake.terminate(request.upload_id, request.owner_id))
    return Answer(204)


async def options(server: Server, _request: Request) -> Answer:
    """Tell what the server can do."""
    return Answer(
        204,
        {
            "Accept-Patch": DRAFT_MEDIA_TYPE,
            "Allow": METHODS,
            "Tus-Version": TUS_VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(server.intake.max_upload_bytes),
            "Tus-Checksum-Algorithm": ",".join(fields.ALGORITHMS),
            "Upload-Limit": f"max-size={server.intake.max_upload_bytes}",
        },
    )
