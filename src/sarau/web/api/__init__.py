"""The API under `/api/v1`, described by `/openapi.json`."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from sarau import __version__
from sarau.app import App
from sarau.errors import RefusedCode, RefusedError, SarauError
from sarau.model.messages import message
from sarau.web.api import events, insight, media, presets, session, suggestions, tracks, workers
from sarau.web.live import Live
from sarau.web.pages import render
from sarau.web.problems import language_of, problem, status_of

_CODES = {404: RefusedCode.NOT_FOUND, 405: RefusedCode.METHOD_NOT_ALLOWED}


def build_api(app: App, live: Live) -> FastAPI:
    """Return the API over the open rooms of `app`."""
    api = FastAPI(
        title="Sarau",
        version=__version__,
        description="Send audio in, get it back checked, at the right loudness, in every format.",
        docs_url=None,
        redoc_url=None,
        # Uploads pass by FastAPI, so the observer around everything traces requests.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    api.state.sarau = app
    api.state.live = live
    for module in (session, presets, tracks, media, insight, suggestions, events, workers):
        api.include_router(module.router, prefix="/api/v1")
    api.add_exception_handler(SarauError, _answer)
    api.add_exception_handler(RequestValidationError, _answer)
    api.add_exception_handler(HTTPException, _answer)
    return api


def _answer(request: Request, error: Exception) -> Response:
    """Turn whatever a route raised into a problem document, or a page for a person."""
    language = language_of(request.headers, request.cookies)
    ours, headers = _translate(error)
    is_page = "text/html" in request.headers.get("accept", "")
    if is_page and not request.url.path.startswith("/api/"):
        said = {"message": message(ours.code, language), "code": str(ours.code)}
        return render(request, "error.html", status=status_of(ours.code), **said)
    return problem(ours, language, headers=headers)


def _translate(error: Exception) -> tuple[SarauError, dict[str, str]]:
    if isinstance(error, SarauError):
        return error, {}
    if isinstance(error, HTTPException):
        code = _CODES.get(error.status_code, RefusedCode.INVALID_REQUEST)
        return RefusedError(code, str(error.detail)), dict(error.headers or {})
    return RefusedError(RefusedCode.INVALID_REQUEST, _explain(error)), {}


def _explain(error: Exception) -> str:
    if not isinstance(error, RequestValidationError):
        return str(error)
    return "; ".join(
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()
    )
