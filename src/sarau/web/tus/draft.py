"""Resumable Uploads for HTTP, the IETF draft (draft-ietf-httpbis-resumable-upload, interop 8).

It lives at the same addresses as tus 1.0; a request without `Tus-Resumable` speaks it.
The difference that matters: an upload is complete when the client says so, with
`Upload-Complete: ?1`, and not when its offset reaches its length.
"""

import json
import re
from contextlib import suppress
from dataclasses import replace
from email.message import Message
from functools import partial
from urllib.parse import unquote

from starlette.datastructures import Headers

from sarau.errors import RefusedCode, RefusedError, SarauError
from sarau.intake import SMALL_BYTES, Appender, Description, is_finished
from sarau.model.clock import now
from sarau.model.ids import UploadId
from sarau.model.upload import Upload
from sarau.web.body_sink import INTERIM
from sarau.web.reception import content_length, has_body
from sarau.web.threads import in_thread
from sarau.web.tus import fields
from sarau.web.tus.appending import append
from sarau.web.tus.creation import append_first, create_whole
from sarau.web.tus.exchange import Answer, Request, Server, location
from sarau.web.tus.verbs import DRAFT_MEDIA_TYPE, check_offset, inspect, media_type

INTEROP_VERSION = "8"
_PROBLEMS = "https://iana.org/assignments/http-problem-types#"
# RFC 8187: where it is there, `filename*` is preferred to `filename`.
_EXTENDED_NAME = re.compile(r"filename\*\s*=\s*utf-8'[^']*'([^;\s]*)", re.IGNORECASE)
_NEGATIVE = re.compile(r"-[0-9]+")
_VERSION_HEADER = "Upload-Draft-Interop-Version"
_VERSION = {_VERSION_HEADER: INTEROP_VERSION}


def speaks(headers: Headers, method: str) -> bool:
    """Tell whether a request speaks the draft and not tus 1.0."""
    if "tus-resumable" in headers:
        return False
    return method != "POST" or "upload-complete" in headers


def _bare_items(headers: Headers, name: str) -> list[str]:
    """Return a structured field's values without their parameters (RFC 9651, 3.3)."""
    return [value.partition(";")[0].strip(" ") for value in headers.getlist(name)]


def _integer(headers: Headers, name: str) -> int | None:
    values = _bare_items(headers, name)
    if any(_NEGATIVE.fullmatch(value) for value in values):
        raise RefusedError(RefusedCode.INVALID_REQUEST, f"{name} must not be negative")
    # A structured field that is malformed is to be ignored as a whole.
    try:
        return fields.whole_number(values, name)
    except RefusedError:
        return None


def _complete(headers: Headers) -> bool:
    value = next(iter(_bare_items(headers, "upload-complete")), "")
    if value not in {"?0", "?1"}:
        raise RefusedError(RefusedCode.INVALID_REQUEST, "Upload-Complete must be ?0 or ?1")
    return value == "?1"


def _declared(headers: Headers, offset: int, *, completes: bool) -> int | None:
    """Return the length that a request declares, in one way or two that must agree."""
    size = _integer(headers, "upload-length")
    length = content_length(headers)
    if not completes or (length is None and has_body(headers)):
        return size
    found = offset + (length or 0)
    if size not in {None, found}:
        raise RefusedError(
            RefusedCode.UPLOAD_LENGTH_INVALID, f"{size} declared, {found} follow from the body"
        )
    return found


def _state(server: Server, upload: Upload) -> dict[str, str]:
    limits = f"max-size={server.intake.max_upload_bytes}"
    if not is_finished(upload):
        left_s = int((upload.expires_at - now()).total_seconds())
        limits += f", max-age={max(0, left_s)}"
    return _VERSION | {
        "Upload-Offset": str(upload.offset_bytes),
        "Upload-Complete": "?1" if is_finished(upload) else "?0",
        "Upload-Limit": limits,
    }


def _description(headers: Headers) -> Description:
    """Take the name from `Content-Disposition`, as the draft does, or from tus's metadata."""
    if "upload-metadata" in headers:
        return fields.description(headers["upload-metadata"])
    disposition = headers.get("content-disposition", "")
    if extended := _EXTENDED_NAME.search(disposition):
        return Description(unquote(extended[1]))
    message = Message()
    message["Content-Disposition"] = disposition
    # Python's reader stumbles over some charsets and over some names that stand there twice.
    with suppress(LookupError, TypeError, ValueError):
        return Description(message.get_filename() or "")
    return Description("")


def _claimed(headers: Headers, description: Description) -> Description:
    """Add what the client says the file's bytes come to, unless they come along."""
    claim = fields.repr_digest(headers) or description.sha256
    return replace(description, sha256=None if has_body(headers) else claim)


async def post(server: Server, request: Request) -> Answer:
    """Create an upload; where it is is told before the body arrives, if the server can."""
    if request.upload_id:
        raise RefusedError(RefusedCode.METHOD_NOT_ALLOWED, "uploads are created at the collection")
    completes = _complete(request.headers)
    size = _declared(request.headers, 0, completes=completes)
    server.intake.check_size(size)
    length = content_length(request.headers) or 0
    if size is not None and length > size:
        raise RefusedError(RefusedCode.UPLOAD_LENGTH_INVALID, "the body is longer than declared")
    create = partial(
        server.intake.create,
        owner_id=request.owner_id,
        description=_claimed(request.headers, _description(request.headers)),
        size_bytes=size,
        stays_open=not completes,
    )
    checksum = fields.content_digest(request.headers)
    if completes and has_body(request.headers) and size == length <= SMALL_BYTES:
        upload = await create_whole(request, create, checksum)
    else:
        upload = await in_thread(create)
        is_announced = await _announce(server, request, upload)
        if has_body(request.headers):
            upload = await append_first(
                server,
                request,
                upload,
                checksum=checksum,
                completes=completes,
                is_announced=is_announced,
            )
    headers = {"Location": location(server, request, upload.id)} | _state(server, upload)
    if upload.track_id is not None:
        headers["Sarau-Track"] = upload.track_id
    return Answer(201, headers)


async def _announce(server: Server, request: Request, upload: Upload) -> bool:
    """Send 104 (Upload Resumption Supported), where the server below can; tell whether it did.

    A client of another version of the draft, or of none that it names, must not be sent one. Nor
    is a proxy: some take an interim answer that they do not know for the final one.
    """
    interim = request.scope.get("extensions", {}).get(INTERIM)
    if interim is None or server.public_url is not None:
        return False
    if request.headers.get(_VERSION_HEADER, "").strip() != INTEROP_VERSION:
        return False
    where = {"Location": location(server, request, upload.id)}
    limit = {"Upload-Limit": _state(server, upload)["Upload-Limit"]}
    sent: bool = await interim(104, "Upload Resumption Supported", _VERSION | where | limit)
    return sent


async def head(server: Server, request: Request) -> Answer:
    """Tell the truth about an upload."""
    if "upload-offset" in request.headers or "upload-complete" in request.headers:
        raise RefusedError(RefusedCode.INVALID_REQUEST, "HEAD asks for the offset, it names none")
    upload = await inspect(server, request)
    headers = _state(server, upload) | {"Cache-Control": "no-store"}
    if upload.size_bytes is not None:
        headers["Upload-Length"] = str(upload.size_bytes)
    return Answer(204, headers)


async def patch(server: Server, request: Request) -> Answer:
    """Append to an upload, and complete it when the client says so."""
    if media_type(request) != DRAFT_MEDIA_TYPE:
        detail = f"Content-Type must be {DRAFT_MEDIA_TYPE}"
        raise RefusedError(RefusedCode.UPLOAD_MEDIA_TYPE, detail)
    completes = _complete(request.headers)
    offset = _integer(request.headers, "upload-offset")
    if offset is None:
        raise RefusedError(RefusedCode.INVALID_REQUEST, "Upload-Offset is missing")
    upload_id = UploadId(request.upload_id)
    found = await in_thread(lambda: server.intake.find(upload_id, request.owner_id))
    if is_finished(found):
        return _completed(request, found)

    is_accepted = False

    def prepare(appender: Appender) -> None:
        nonlocal is_accepted
        check_offset(appender.upload, offset)
        size = _declared(request.headers, offset, completes=completes)
        if size is not None:
            appender.declare_size(size)
        length = content_length(request.headers) or 0
        if appender.size_bytes is not None and length > appender.room_bytes:
            raise RefusedError(RefusedCode.UPLOAD_LENGTH_INVALID, "longer than declared")
        is_accepted = length <= appender.room_bytes

    try:
        upload = await append(
            server,
            request,
            upload_id,
            prepare=prepare,
            checksum=fields.content_digest(request.headers),
            completes=completes,
        )
    except SarauError as error:
        if error.code is RefusedCode.UPLOAD_TOO_LARGE and not is_accepted:
            # More than the server takes: nothing was appended, and the upload stays as it was.
            raise
        return await _explain(server, request, offset, error)
    return Answer(200 if is_finished(upload) else 204, _state(server, upload))


def _problem(kind: str, title: str, status: int, code: RefusedCode, **members: int) -> Answer:
    body = {"type": _PROBLEMS + kind, "title": title, "status": status, "code": str(code)}
    body |= {name.replace("_", "-"): value for name, value in members.items()}
    headers = {"Content-Type": "application/problem+json"} | _VERSION
    return Answer(status, headers, json.dumps(body).encode())


def _completed(request: Request, upload: Upload) -> Answer:
    kind, title = "completed-upload", "upload is already completed"
    code = RefusedCode.WRONG_STATE
    if has_body(request.headers):
        kind, title = "inconsistent-upload-length", "inconsistent length values for upload"
        code = RefusedCode.UPLOAD_LENGTH_INVALID
    answer = _problem(kind, title, 400, code)
    answer.headers["Upload-Complete"] = "?1"
    answer.headers["Upload-Offset"] = str(upload.offset_bytes)
    return answer


async def _explain(server: Server, request: Request, offset: int, error: SarauError) -> Answer:
    """Say with the draft's own problem types what is wrong with offset or length."""
    if error.code not in {
        RefusedCode.UPLOAD_OFFSET_MISMATCH,
        RefusedCode.UPLOAD_LENGTH_INVALID,
        RefusedCode.UPLOAD_TOO_LARGE,
    }:
        raise error
    found = await in_thread(lambda: server.intake.find(request.upload_id, request.owner_id))
    if error.code is RefusedCode.UPLOAD_OFFSET_MISMATCH:
        title = "offset from request does not match offset of resource"
        expected = found.offset_bytes
        answer = _problem(
            "mismatching-upload-offset",
            title,
            409,
            RefusedCode.UPLOAD_OFFSET_MISMATCH,
            expected_offset=expected,
            provided_offset=offset,
        )
    else:
        title = "inconsistent length values for upload"
        code = RefusedCode.UPLOAD_LENGTH_INVALID
        answer = _problem("inconsistent-upload-length", title, 400, code)
    if error.code is RefusedCode.UPLOAD_TOO_LARGE:
        # A body of unknown length had more than the file has room for. The draft (4.4.2)
        # wants an upload whose offset would exceed its length to be unusable from then on.
        await in_thread(lambda: server.intake.terminate(request.upload_id, request.owner_id))
    answer.headers["Upload-Offset"] = str(found.offset_bytes)
    answer.headers["Upload-Complete"] = "?0"
    return answer


async def delete(server: Server, request: Request) -> Answer:
    """Let go of an upload."""
    await in_thread(lambda: server.intake.terminate(request.upload_id, request.owner_id))
    return Answer(204, dict(_VERSION))
