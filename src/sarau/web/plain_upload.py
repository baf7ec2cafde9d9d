"""POST of a whole file, for scripts: `curl --data-binary @file` and `curl -F file=@file`."""

import logging
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import parse_qs

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from sarau.catalog import Database, tracks
from sarau.errors import FailedCode, FailedError, RefusedCode, RefusedError, SarauError
from sarau.intake import SMALL_BYTES, Appender, Description, Intake
from sarau.model.ids import UserId
from sarau.model.preset import DEFAULT_PRESET
from sarau.model.upload import Upload
from sarau.web.api.tracks import describe
from sarau.web.body_sink import Arrived
from sarau.web.problems import language_of, problem
from sarau.web.reception import Body, content_length
from sarau.web.stop import Stop
from sarau.web.threads import in_thread

_logger = logging.getLogger(__name__)

_FIELDS = frozenset({"preset", "filename"})
_LONGEST_FIELD_BYTES = 4096
_MOST_PARTS = 16
_MOST_BESIDE_BYTES = 64 << 10
"""What a form may hold beside the file: other parts, heads of parts, text around them."""


class PlainUpload:
    """The ASGI endpoint of `POST /api/v1/tracks`.

    Args:
        intake: Where the file goes.
        database: Where the answer is read from.
        owner_of: Returns the user on whose behalf a request is made.

    """

    def __init__(
        self, intake: Intake, database: Database, *, owner_of: Callable[[Scope], UserId]
    ) -> None:
        self._intake = intake
        self._database = database
        self._owner_of = owner_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Receive one file and answer with its track, or with a problem document."""
        body = Body(scope, receive)
        request = Request(scope)
        language = language_of(body.headers, request.cookies)
        try:
            upload = await self._receive(scope, body)
            response = await in_thread(lambda: self._created(upload, language))
        except SarauError as error:
            if isinstance(error, FailedError):
                _logger.error("an upload failed: %s", error)  # noqa: TRY400 - no bug
            response = problem(error, language)
        # A refusal is read only by clients that could send all they had.
        if not body.ended and not await body.drain():
            response.headers["Connection"] = "close"
        await response(scope, receive, send)

    def _created(self, upload: Upload, language: str) -> Response:
        if upload.track_id is None:
            raise FailedError(FailedCode.INTERNAL, "a plain upload has a track")
        with self._database.read() as connection:
            track = tracks.get(connection, upload.track_id)
            view = describe(connection, [track], language)[0]
        headers = {"Location": f"/api/v1/tracks/{track.id}", "Cache-Control": "no-store"}
        return JSONResponse(view.model_dump(mode="json"), 201, headers)

    async def _receive(self, scope: Scope, body: Body) -> Upload:
        owner_id = self._owner_of(scope)
        query = parse_qs(scope["query_string"].decode("latin-1"))
        given = {name: values[-1] for name, values in query.items()}
        kind, options = parse_options_header(body.headers.get("content-type", ""))
        if kind == b"multipart/form-data":
            boundary = options.get(b"boundary")
            if not boundary:
                raise RefusedError(RefusedCode.INVALID_REQUEST, "the form has no boundary")
            return await self._stream(body, _Form(self._intake, owner_id, given, boundary, body))
        description = Description(
            given.get("filename", ""), given.get("preset", DEFAULT_PRESET), None
        )
        size = content_length(body.headers)
        self._intake.check_size(size)
        if size is None or size > SMALL_BYTES:
            return await self._stream(body, _Raw(self._intake, owner_id, description, size))
        upload = await body.hand_over(
            lambda content: self._intake.create(
                owner_id=owner_id, description=description, size_bytes=size, body=content
            )
        )
        if upload is None:
            raise RefusedError(RefusedCode.UPLOAD_INCOMPLETE, "the body broke off")
        return upload

    async def _stream(self, body: Body, target: "_Target") -> Upload:
        try:
            arrived = await body.write_to(target.write, Stop())
            return await in_thread(lambda: target.settle(arrived))
        except BaseException:
            # Whoever sends plainly cannot continue: there is nothing to keep. What ended by
            # itself, as on a disk that broke, is not to hide why.
            with suppress(SarauError):
                await in_thread(target.give_up)
            raise


class _Target:
    """An upload that is made of one request; used by one worker thread at a time."""

    def __init__(self, intake: Intake, owner_id: UserId) -> None:
        self._intake = intake
        self._owner_id = owner_id
        self._appender: Appender | None = None

    def open(self, description: Description, size_bytes: int | None) -> None:
        upload = self._intake.create(
            owner_id=self._owner_id, description=description, size_bytes=size_bytes
        )
        self._appender = self._intake.append(upload.id, self._owner_id)

    def write(self, data: memoryview) -> None:
        if self._appender is not None:
            self._appender.write(data)

    def settle(self, arrived: Arrived) -> Upload:
        if arrived.error is not None:
            raise arrived.error
        if not arrived.whole:
            raise RefusedError(RefusedCode.UPLOAD_INCOMPLETE, "the body broke off")
        return self.finish()

    def finish(self) -> Upload:
        if self._appender is None:
            raise RefusedError(RefusedCode.INVALID_REQUEST, "there is no part named file")
        if self._appender.size_bytes is None:
            self._appender.declare_size(self._appender.offset_bytes)
        upload = self._appender.finish()
        self._appender.close()
        return upload

    def give_up(self) -> None:
        if self._appender is not None:
            self._appender.close()
            self._intake.terminate(self._appender.upload.id, self._owner_id)


class _Raw(_Target):
    """The body is the file."""

    def __init__(
        self, intake: Intake, owner_id: UserId, description: Description, size: int | None
    ) -> None:
        super().__init__(intake, owner_id)
        self._description = description
        self._size = size

    def write(self, data: memoryview) -> None:
        if self._appender is None:
            self.open(self._description, self._size)
        super().write(data)

    def finish(self) -> Upload:
        if self._appender is not None:
            return super().finish()
        return self._intake.create(
            owner_id=self._owner_id, description=self._description, size_bytes=0
        )


class _Form(_Target):
    """The file is the part `file` of a form; a part `preset` may stand before it."""

    def __init__(
        self, intake: Intake, owner_id: UserId, given: dict[str, str], boundary: bytes, body: Body
    ) -> None:
        super().__init__(intake, owner_id)
        # The form is a little larger than the file in it.
        intake.check_size(max(0, (content_length(body.headers) or 0) - _LONGEST_FIELD_BYTES))
        self._given = dict(given)
        self._parts = 0
        self._beside_bytes = 0
        self._header = (bytearray(), bytearray())
        self._disposition: dict[bytes, bytes] = {}
        self._field = bytearray()
        self._in_file = False
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": self._data,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )

    def write(self, data: memoryview) -> None:
        try:
            self._parser.write(bytes(data))
        except FormParserError as error:
            raise RefusedError(RefusedCode.INVALID_REQUEST, f"the form: {error}") from error
        self._beside_bytes += len(data)
        if self._beside_bytes > _MOST_BESIDE_BYTES:
            detail = f"the form has more than {_MOST_BESIDE_BYTES} bytes beside the file"
            raise RefusedError(RefusedCode.INVALID_REQUEST, detail)

    def finish(self) -> Upload:
        if not self._ended:
            raise RefusedError(RefusedCode.UPLOAD_INCOMPLETE, "the form has no end")
        return super().finish()

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            detail = f"the form has more than {_MOST_PARTS} parts"
            raise RefusedError(RefusedCode.INVALID_REQUEST, detail)
        self._disposition = {}
        self._field.clear()

    def _end_header(self) -> None:
        name, value = (bytes(part) for part in self._header)
        if name.lower() == b"content-disposition":
            self._disposition = parse_options_header(value)[1]
        self._header = (bytearray(), bytearray())

    def _end_headers(self) -> None:
        self._in_file = self._disposition.get(b"name") == b"file"
        if not self._in_file:
            return
        if self._appender is not None:
            raise RefusedError(RefusedCode.INVALID_REQUEST, "one request brings one file")
        sent = self._disposition.get(b"filename", b"").decode("utf-8", "replace")
        preset = self._given.get("preset", DEFAULT_PRESET)
        self.open(Description(self._given.get("filename", sent), preset, None), None)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._beside_bytes -= end - start
            super().write(memoryview(data)[start:end])
            return
        self._field += data[start:end]
        if len(self._field) > _LONGEST_FIELD_BYTES:
            raise RefusedError(RefusedCode.INVALID_REQUEST, "a field of the form is too long")

    def _end_part(self) -> None:
        if self._in_file:
            return
        name = self._disposition.get(b"name", b"").decode("utf-8", "replace")
        if name not in _FIELDS:
            return
        if self._appender is not None:
            raise RefusedError(RefusedCode.INVALID_REQUEST, f"{name} must stand before the file")
        self._given.setdefault(name, self._field.decode("utf-8", "replace"))

    def _end(self) -> None:
        self._ended = True
