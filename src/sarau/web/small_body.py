"""The bodies of requests that bring no file: small, and not waited for without end."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

from sarau.errors import RefusedCode, RefusedError
from sarau.web.problems import language_of, problem
from sarau.web.reception import Body, content_length

MOST_BYTES = 256 << 10


class SmallBody:
    """ASGI middleware that reads a body before it passes the request on to a route.

    The framework takes a body of any size, of a form into memory and files, and waits for it for
    ever; and `/login` is open to everybody. What has no route is answered without its body.
    """

    def __init__(self, app: Starlette) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse with a problem document, or pass the request on."""
        if scope["type"] != "http" or (body := Body(scope, receive)).ended or self._is_lost(scope):
            await self._app(scope, receive, send)
            return
        try:
            content = await _read(body)
        except RefusedError as refused:
            request = Request(scope)
            answer = problem(refused, language_of(request.headers, request.cookies))
            # HTTP/1.1 can only go on with the next request when this one has been read.
            if refused.code is RefusedCode.BODY_TIMEOUT or not await body.drain():
                answer.headers["Connection"] = "close"
            await answer(scope, receive, send)
            return
        given = False

        async def give() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": content, "more_body": False}

        await self._app(scope, give, send)

    def _is_lost(self, scope: Scope) -> bool:
        return all(route.matches(scope)[0] is not Match.FULL for route in self._app.routes)


async def _read(body: Body) -> bytes:
    """Return the body.

    Raises:
        RefusedError: `body_too_large`, `body_timeout`.

    """
    too_large = RefusedError(
        RefusedCode.BODY_TOO_LARGE, f"the body has more than {MOST_BYTES} bytes"
    )
    if (content_length(body.headers) or 0) > MOST_BYTES:
        raise too_large
    try:
        content = await body.read_small(MOST_BYTES)
    except RefusedError:
        raise too_large from None
    if content is None:
        raise RefusedError(RefusedCode.BODY_TIMEOUT, "the body did not come")
    return content
