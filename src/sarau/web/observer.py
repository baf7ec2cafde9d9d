"""Every request from outside: its id, its line in the log, its place in the figures."""

import logging
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sarau.observe import figures, traces
from sarau.observe.context import bind
from sarau.observe.logs import Stopwatch, say
from sarau.observe.request_id import choose
from sarau.web.headers import headers_of

_logger = logging.getLogger("sarau.web")

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_AREAS: Final = (
    ("/files", "tus"),
    ("/api/v1/events", "events"),
    ("/api/", "api"),
    ("/static/", "static"),
    ("/healthz", "health"),
    ("/readyz", "health"),
    ("/metrics", "health"),
)
_SELDOM_READ: Final = frozenset({"static", "health"})
"""Asked for so often that a line for each would bury the others."""
_UNTRACED: Final = _SELDOM_READ | {"events"}
"""Nothing comes of them; those who wait for events do so for hours."""
_BROKEN_OFF: Final = 499
"""What nginx writes for a request that ended without an answer."""
_ERRORS_FROM: Final = 500


class Observer:
    """ASGI middleware, the outermost: what the doors refuse is seen too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give the request its id, pass it on, and tell what became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = headers_of(scope)
        with _traced(scope, headers.get("traceparent")) as span:
            parent = span.traceparent or headers.get("traceparent")
            await self._observe(
                scope, receive, send, span, choose(headers.get("x-request-id"), parent)
            )

    async def _observe(
        self, scope: Scope, receive: Receive, send: Send, span: traces.Span, request_id: str
    ) -> None:
        status, watch = _BROKEN_OFF, Stopwatch()

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        with bind(request_id=request_id):
            try:
                await self._app(scope, receive, send_named)
            except Exception:
                # Whoever is outside of us answers 500 where nothing was sent yet.
                status = _ERRORS_FROM if status == _BROKEN_OFF else status
                raise
            finally:
                _tell(scope, status, watch.duration_s)
                span.note({"http.response.status_code": status})
                if status >= _ERRORS_FROM:
                    span.fail(str(status))


def _area(scope: Scope) -> str:
    path = str(scope["path"])
    return next((name for start, name in _AREAS if path.startswith(start)), "page")


def _method(scope: Scope) -> str:
    return str(scope["method"]) if scope["method"] in _METHODS else "other"


def _traced(scope: Scope, parent: str | None) -> AbstractContextManager[traces.Span]:
    area, method = _area(scope), _method(scope)
    if area in _UNTRACED:
        return nullcontext(traces.Span())
    asked = {"http.request.method": method, "url.path": str(scope["path"])}
    return traces.request(f"{method} {area}", parent, asked)


def _tell(scope: Scope, status: int, duration_s: float) -> None:
    path, area, method = str(scope["path"]), _area(scope), _method(scope)
    figures.requests.labels(area, method, str(status)).observe(duration_s)
    level = logging.INFO
    if status >= _ERRORS_FROM:
        level = logging.ERROR
    elif area in _SELDOM_READ:
        level = logging.DEBUG
    # Neither the query nor any header: both may hold what must not be kept.
    say(
        _logger,
        "request",
        level=level,
        method=method,
        path=path,
        status=status,
        duration_s=round(duration_s, 4),
    )
