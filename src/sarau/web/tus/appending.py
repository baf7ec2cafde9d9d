"""The body of a request, appended to its upload: the common part of POST, PATCH and the draft."""

import asyncio
from collections.abc import Callable

from sarau.errors import RefusedCode, RefusedError
from sarau.intake import Appender
from sarau.model.ids import UploadId
from sarau.model.upload import Upload
from sarau.web.body_sink import Arrived
from sarau.web.reception import content_length
from sarau.web.stop import Stop
from sarau.web.threads import in_thread
from sarau.web.tus.exchange import BrokenOffError, Request, Server
from sarau.web.tus.fields import Checksum

Prepare = Callable[[Appender], None]


async def append(
    server: Server,
    request: Request,
    upload_id: UploadId,
    *,
    prepare: Prepare = lambda _appender: None,
    checksum: Checksum | None = None,
    completes: bool | None = None,
) -> Upload:
    """Append the request's body to an upload and return what was acknowledged.

    Args:
        server: Where the upload is.
        request: Whose body is appended.
        upload_id: To which upload.
        prepare: Checks the request against the upload, once it is held; may refuse. A new
            upload is at its beginning, where there is nothing to check.
        checksum: What the body must come to; otherwise none of it is kept.
        completes: Whether the client says that this is the end (the draft); None when
            the length alone decides (tus 1.0).

    Raises:
        RefusedError: What `prepare` and the intake refuse; `upload_locked` when a newer
            request took over; `upload_checksum_mismatch`.
        FailedError: The intake's.
        BrokenOffError: The body did not end.

    """
    async with server.turns.take(upload_id) as stop:

        def start() -> Appender:
            appender = server.intake.append(
                upload_id, request.owner_id, held_back=checksum is not None
            )
            try:
                prepare(appender)
                _check_room(request, appender)
            except BaseException:
                appender.close()
                raise
            return appender

        appender = await server.turns.unlocked(upload_id, start)
        receiving = _receive(server, request, appender, stop, checksum)
        try:
            arrived = await receiving
        except asyncio.CancelledError:
            # The server shuts down: what arrived is acknowledged all the same, and at
            # once, because nothing will be awaited any more.
            _settle(appender, Arrived(whole=False), checksum, completes=completes)
            raise
        upload = await in_thread(lambda: _settle(appender, arrived, checksum, completes=completes))
        return _judge(upload, arrived, stop)


def _check_room(request: Request, appender: Appender) -> None:
    length = content_length(request.headers) or 0
    appender.expect(length)
    if length > appender.room_bytes:
        raise RefusedError(RefusedCode.UPLOAD_TOO_LARGE, "the body is longer than declared")


async def _receive(
    server: Server, request: Request, appender: Appender, stop: Stop, checksum: Checksum | None
) -> Arrived:
    def write(data: memoryview) -> None:
        if checksum is not None:
            checksum.digest.update(data)
        appender.write(data)

    return await server.turns.watched(appender.upload.id, stop, request.body.write_to(write, stop))


def _settle(
    appender: Appender, arrived: Arrived, checksum: Checksum | None, *, completes: bool | None
) -> Upload:
    try:
        if checksum is not None:
            _verify(appender, arrived, checksum)
        # By tus 1.0 the length alone decides, also when the end of a body was lost; a body
        # that was refused, or that could not be written, completes nothing.
        ends = arrived.error is None and (completes is None or (completes and arrived.whole))
        if completes and ends and appender.size_bytes is None:
            appender.declare_size(appender.offset_bytes)
        return appender.finish(complete=ends)
    finally:
        appender.close()


def _verify(appender: Appender, arrived: Arrived, checksum: Checksum) -> None:
    if not arrived.whole or arrived.error is not None:
        appender.take_back()
        return
    try:
        checksum.check()
    except RefusedError:
        appender.take_back()
        appender.finish(complete=False)
        raise


def _judge(upload: Upload, arrived: Arrived, stop: Stop) -> Upload:
    if arrived.error is not None:
        raise arrived.error
    if arrived.whole:
        return upload
    if stop.requested:
        raise RefusedError(RefusedCode.UPLOAD_LOCKED, "a newer request took over")
    raise BrokenOffError
