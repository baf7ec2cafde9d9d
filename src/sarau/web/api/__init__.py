"""The API under `/api/v1`, described by `/openapi.json`."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from sarau import __version__
from sarau.app import App
from sarau.errors import RefusedCode, RefusedError, SarauError
from sarau.web.api import events, media, session, tracks
from sarau.web.live import Live
from sarau.web.problems import language_of, problem

_CODES = {404: RefusedCode.NOT_FOUND, 405: RefusedCode.METHOD_NOT_ALLOWED}


def build_api(app: App, live: Live) -> FastAPI:
    """Return the API over the open rooms of `app`."""
    api = FastAPI(
        title="Sarau",
        version=__version__,
        description="Send audio in, get it back checked, at the right loudness, in every format.",
        docs_url=None,
        redoc_url=None,
    )
    api.state.sarau = app
    api.state.live = live
    for module in (session, tracks, media, events):
        api.include_router(module.router, prefix="/api/v1")
    api.add_exception_handler(SarauError, _answer)
    api.add_exception_handler(RequestValidationError, _answer)
    api.add_exception_handler(HTTPException, _answer)
    return api


def _answer(request: Request, error: Exception) -> Response:
    """Turn whatever a route raised into a problem document."""
    language = language_of(request.headers, request.cookies)
    if isinstance(error, SarauError):
        return problem(error, language)
    if isinstance(error, HTTPException):
        code = _CODES.get(error.status_code, RefusedCode.INVALID_REQUEST)
        headers = dict(error.headers or {})
        return problem(RefusedError(code, str(error.detail)), language, headers=headers)
    return problem(RefusedError(RefusedCode.INVALID_REQUEST, _explain(error)), language)


def _explain(error: Exception) -> str:
    if not isinstance(error, RequestValidationError):
        return str(error)
    return "; ".join(
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()
    )
