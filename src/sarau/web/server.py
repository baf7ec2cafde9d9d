"""The ASGI application and the server that runs it."""

import asyncio
import gc
import logging
import os
import resource
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from sarau.app import App, open_app
from sarau.model.ids import LOCAL_USER_ID
from sarau.observe import traces
from sarau.settings import Settings
from sarau.web import health
from sarau.web.api import build_api
from sarau.web.body_sink import SinkProtocol
from sarau.web.cors import is_for_uploads
from sarau.web.doors import DoorKeeper, Doors, check_may_listen
from sarau.web.live import Live
from sarau.web.metrics import CONTENT_TYPE, Metrics
from sarau.web.observer import Observer
from sarau.web.pages import STATIC, build_pages
from sarau.web.plain_upload import PlainUpload
from sarau.web.problems import language_of
from sarau.web.small_body import SmallBody
from sarau.web.tus import TusApp

_KEEP_ALIVE_S = 75
"""Longer than a load balancer keeps an idle connection, so that it never meets a closed one."""
_GRACE_S = 10
_NOT_READY = 503
_MOST_OPEN_FILES = 65_536

_logger = logging.getLogger(__name__)


def build(app: App) -> ASGIApp:
    """Return the whole application over the open rooms of `app`."""
    settings = app.settings
    doors = Doors(settings.token, settings.public_url, settings.host, settings.origins)
    live = Live(app.database)

    @asynccontextmanager
    async def lifespan(_starlette: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(live.run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    readiness = health.Readiness(app)

    async def readyz(request: Request) -> JSONResponse:
        language = language_of(request.headers, request.cookies)
        status, found = await readiness.ask()
        checks = health.worded(found, language)
        if not doors.is_known(request):
            checks = health.without_details(checks)
        return JSONResponse(
            jsonable_encoder({"status": status, "checks": checks}),
            _NOT_READY if status == "not_ready" else 200,
            {"Cache-Control": "no-store", "Content-Language": language},
        )

    collected = Metrics(app)

    async def metrics(_request: Request) -> Response:
        text = await asyncio.to_thread(collected.text)
        return Response(text, 200, {"Cache-Control": "no-store"}, CONTENT_TYPE)

    tus = TusApp(app.intake, public_url=settings.public_url, owner_of=lambda _scope: LOCAL_USER_ID)
    plain = PlainUpload(app.intake, app.database, owner_of=lambda _scope: LOCAL_USER_ID)
    api: FastAPI = build_api(app, live)
    api.include_router(build_pages(doors))
    rest = Starlette(
        routes=[
            Route("/healthz", _healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
            Mount("/static", _Assets(directory=STATIC)),
            Route("/api/v1/tracks", plain, methods=["POST"]),
            Mount("/", SmallBody(api)),
        ],
        lifespan=lifespan,
    )
    return Observer(DoorKeeper(_Ways(tus, rest), doors=doors))


class _Ways:
    """Uploads past the framework, which costs more than a small one; everything else to it."""

    def __init__(self, uploads: ASGIApp, rest: ASGIApp) -> None:
        self._uploads = uploads
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_for_uploads(scope["path"]):
            await self._uploads(scope, receive, send)
        else:
            await self._rest(scope, receive, send)


class _Assets(StaticFiles):
    """Our own scripts and styles: their names do not change, so browsers ask whether they did."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:  # noqa: ANN401 - Starlette's
        response = super().file_response(*arguments, **options)
        response.headers["Cache-Control"] = "no-cache"
        return response


async def _healthz(_request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


def configure(app: App) -> uvicorn.Config:
    """Return how uvicorn serves the open rooms of `app`."""
    settings = app.settings
    return uvicorn.Config(
        build(app),
        host=settings.host,
        port=settings.port,
        http=SinkProtocol,
        loop="uvloop",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
        proxy_headers=settings.public_url is not None,
    )


def serve(settings: Settings, *, work: bool = True) -> None:
    """Serve until a signal says stop, working on runs meanwhile if `work` says so.

    The process then ends at once: whatever was at work is continued by another one, or by
    the next, from its last checkpoint (docs/adr/0003-crash-only.md).

    Raises:
        RefusedError: `token_required`.
        FailedError: A volume is missing, or the engine cannot be locked down.

    """
    check_may_listen(settings)
    _allow_many_connections()
    with open_app(settings, work=work, promote=not work) as app:
        config = configure(app)
        # What is there now stays: to look through it again and again is a tenth of the work.
        gc.collect()
        gc.freeze()
        # uvicorn ends by sending itself the signal that it got: SIGTERM must not end us there.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            _Announcing(config).run()
        app.durable.hand_back()
        traces.stop()
        logging.shutdown()
        os._exit(0)


def _allow_many_connections() -> None:
    """Raise the limit on open files, which is 1024 unless somebody asks, to what is allowed."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    is_more = most == resource.RLIM_INFINITY or most > _MOST_OPEN_FILES
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MOST_OPEN_FILES if is_more else most, most))


class _Announcing(uvicorn.Server):
    """Says where the page is once the port is open."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            for server in self.servers:
                for one in server.sockets:
                    host, port = one.getsockname()[:2]
                    shown = f"[{host}]" if ":" in host else host
                    _logger.info("Sarau is at http://%s:%s", shown, port)
