"""POST of tus 1.0: creation, with or without the first bytes or the length."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from sarau.errors import RefusedCode, RefusedError, SarauError
from sarau.intake import SMALL_BYTES, Description, concatenate
from sarau.model.ids import UploadId
from sarau.model.upload import Upload
from sarau.web.reception import Content, content_length, has_body
from sarau.web.threads import in_thread
from sarau.web.tus import fields
from sarau.web.tus.appending import append
from sarau.web.tus.exchange import Answer, BrokenOffError, Request, Server, location
from sarau.web.tus.verbs import MEDIA_TYPE, expires, media_type


async def post(server: Server, request: Request) -> Answer:
    """Create an upload and say where it is."""
    if request.upload_id:
        raise RefusedError(RefusedCode.METHOD_NOT_ALLOWED, "uploads are created at the collection")
    concat = fields.concat(request.headers)
    description = fields.description(request.headers.get("upload-metadata"))
    if has_body(request.headers):
        # Bytes that come anyway are taken for what they are.
        description = replace(description, sha256=None)
    if concat is not None and concat.pieces:
        return await _final(server, request, description, concat)
    size = _declared_size(request)
    with_body = has_body(request.headers)
    if with_body and media_type(request) != MEDIA_TYPE:
        raise RefusedError(RefusedCode.UPLOAD_MEDIA_TYPE, f"Content-Type must be {MEDIA_TYPE}")
    # Whatever can be refused is refused before anything is made.
    checksum = fields.checksum(request.headers) if with_body else None
    length = content_length(request.headers)
    if size is not None and (length or 0) > size:
        raise RefusedError(RefusedCode.UPLOAD_TOO_LARGE, "the body is longer than declared")
    create = partial(
        server.intake.create,
        owner_id=request.owner_id,
        description=description,
        size_bytes=size,
        concat=concat.header if concat else None,
    )
    # What came is the whole file only where both lengths are known; no bytes need no length.
    if with_body and size is not None and size == (length or 0) and size <= SMALL_BYTES:
        upload = await create_whole(request, create, checksum)
    else:
        upload = await in_thread(create)
        if with_body:
            upload = await append_first(server, request, upload, checksum=checksum)
    return created(server, request, upload, with_body=with_body)


async def _final(
    server: Server, request: Request, description: Description, concat: fields.Concat
) -> Answer:
    """Make one upload of pieces; it has the length that they have."""
    if "upload-length" in request.headers or has_body(request.headers):
        raise RefusedError(RefusedCode.INVALID_REQUEST, "a final upload has no length or body")
    upload = await in_thread(
        lambda: concatenate(
            server.intake,
            owner_id=request.owner_id,
            description=description,
            piece_ids=concat.pieces,
            concat=concat.header,
        )
    )
    return created(server, request, upload, with_body=False)


def _declared_size(request: Request) -> int | None:
    size = fields.number(request.headers, "upload-length")
    deferred = request.headers.get("upload-defer-length")
    if deferred not in {None, "1"} or (size is None) == (deferred is None):
        raise RefusedError(
            RefusedCode.UPLOAD_LENGTH_INVALID,
            "exactly one of Upload-Length and Upload-Defer-Length: 1",
        )
    return size


async def create_whole(
    request: Request, create: Callable[..., Upload], checksum: fields.Checksum | None
) -> Upload:
    """Create an upload with its whole body, which is small.

    Raises:
        RefusedError: `upload_checksum_mismatch`, or what `create` refuses.
        FailedError: The intake's.
        BrokenOffError: The body did not end.

    """

    def work(body: Content) -> Upload:
        if checksum is not None:
            checksum.digest.update(body)
            checksum.check()
        return create(body=body)

    upload = await request.body.hand_over(work)
    if upload is None:
        raise BrokenOffError
    return upload


async def append_first(
    server: Server,
    request: Request,
    upload: Upload,
    *,
    checksum: fields.Checksum | None,
    completes: bool | None = None,
    is_announced: bool = False,
) -> Upload:
    """Append the body of a creation; what nobody can continue is let go of.

    Args:
        server: Where the upload is.
        request: Whose body is appended.
        upload: The new upload.
        checksum: As for `append`.
        completes: As for `append`.
        is_announced: The client knows already where the upload is (the draft).

    Raises:
        RefusedError: As `append`.
        FailedError: As `append`.
        BrokenOffError: As `append`.

    """
    try:
        return await append(server, request, upload.id, checksum=checksum, completes=completes)
    except (SarauError, BrokenOffError) as error:
        if not is_announced or _is_too_much(error):
            # One that ended by itself, as on a disk that broke, is not to hide why.
            with suppress(SarauError):
                await in_thread(lambda: server.intake.terminate(upload.id, request.owner_id))
        raise


def _is_too_much(error: Exception) -> bool:
    return isinstance(error, RefusedError) and error.code is RefusedCode.UPLOAD_TOO_LARGE


def created(server: Server, request: Request, upload: Upload, *, with_body: bool) -> Answer:
    """Return the answer to a creation."""
    headers = {"Location": location(server, request, UploadId(upload.id))} | expires(upload)
    if upload.track_id is not None:
        headers["Sarau-Track"] = upload.track_id
    if with_body or upload.offset_bytes:
        headers["Upload-Offset"] = str(upload.offset_bytes)
    return Answer(201, headers)
