"""The ASGI application at `/files/`."""

import logging
from collections.abc import Awaitable, Callable

from starlette.types import Receive, Scope, Send

from sarau.errors import FailedCode, FailedError, RefusedCode, RefusedError, SarauError
from sarau.intake import Intake
from sarau.model.ids import UserId
from sarau.web.reception import Body
from sarau.web.tus import creation, draft, verbs
from sarau.web.tus.exchange import (
    TUS_VERSION,
    Answer,
    BrokenOffError,
    Request,
    Server,
    refusal,
)
from sarau.web.tus.turns import Turns

log = logging.getLogger(__name__)

Handler = Callable[[Server, Request], Awaitable[Answer]]

_TUS: dict[str, Handler] = {
    "POST": creation.post,
    "HEAD": verbs.head,
    "PATCH": verbs.patch,
    "DELETE": verbs.delete,
    "OPTIONS": verbs.options,
}
_DRAFT: dict[str, Handler] = {
    "POST": draft.post,
    "HEAD": draft.head,
    "PATCH": draft.patch,
    "DELETE": draft.delete,
}
_MOST_HEADER_BYTES = 64 << 10


class TusApp:
    """Serves uploads over an intake.

    Args:
        intake: Where they go.
        public_url: The address of the server as clients see it; the Host header otherwise.
        owner_of: Returns the user on whose behalf a request is made.
        prefix: The path at which this application is mounted.

    """

    def __init__(
        self,
        intake: Intake,
        *,
        public_url: str | None,
        owner_of: Callable[[Scope], UserId],
        prefix: str = "/files",
    ) -> None:
        self._server = Server(intake, Turns(intake), public_url, prefix)
        self._owner_of = owner_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        body = Body(scope, receive)
        answer = await self._answer(scope, body)
        # HTTP/1.1 can only go on with the next request when this one has been read.
        if not body.ended and not await body.drain():
            answer.headers["Connection"] = "close"
        await self._send(scope, answer, send)

    async def _answer(self, scope: Scope, body: Body) -> Answer:
        try:
            return await self._dispatch(scope, body)
        except SarauError as error:
            if isinstance(error, FailedError):
                log.error("%s %s: %s", scope["method"], scope["path"], error)  # noqa: TRY400 - no bug
            return refusal(error, body.headers)
        except BrokenOffError:
            return Answer(408, {"Connection": "close"})
        except Exception:
            log.exception("%s %s", scope["method"], scope["path"])
            return refusal(FailedError(FailedCode.INTERNAL, "see the log"), body.headers)

    async def _dispatch(self, scope: Scope, body: Body) -> Answer:
        headers = body.headers
        if sum(len(name) + len(value) for name, value in headers.raw) > _MOST_HEADER_BYTES:
            return Answer(431, {"Connection": "close"})
        method = str(scope["method"])
        if method == "POST":
            method = headers.get("x-http-method-override", method).upper()
        if method not in _TUS:
            raise RefusedError(RefusedCode.METHOD_NOT_ALLOWED, f"{method} is not for uploads")
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        upload_id = path.removeprefix(self._server.prefix).strip("/")
        owner_id = self._owner_of(scope)
        request = Request(scope, method, upload_id, owner_id, headers, body)
        if method in _DRAFT and draft.speaks(headers, method):
            return await _DRAFT[method](self._server, request)
        if method != "OPTIONS" and headers.get("tus-resumable") != TUS_VERSION:
            raise RefusedError(RefusedCode.TUS_VERSION, f"Tus-Resumable must be {TUS_VERSION}")
        return await _TUS[method](self._server, request)

    @staticmethod
    async def _send(scope: Scope, answer: Answer, send: Send) -> None:
        headers = answer.headers | {"Tus-Resumable": TUS_VERSION}
        if answer.status == 405:  # noqa: PLR2004 - Method Not Allowed
            headers["Allow"] = verbs.METHODS
        if answer.status != 204 and scope["method"] != "HEAD":  # noqa: PLR2004 - No Content
            headers["Content-Length"] = str(len(answer.body))
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body})
