"""The page: one document in two languages, and the door with a token before it."""

import secrets
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from sarau import __version__
from sarau.web.doors import SESSION_COOKIE, Doors
from sarau.web.problems import language_of
from sarau.web.strings import strings

STATIC = Path(__file__).parent.parent / "static"

_SESSION_S = 30 * 24 * 3600
_templates = Environment(
    loader=PackageLoader("sarau.web.pages"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
)


def build_pages(doors: Doors) -> APIRouter:
    """Return the routes that answer with HTML."""
    router = APIRouter(include_in_schema=False)

    def is_secure(request: Request) -> bool:
        # A proxy that ends TLS need not say so, and who comes past it has none: a browser that
        # asked without TLS drops a cookie that is kept to it.
        public = urlsplit(doors.public_url or "")
        is_public = request.headers.get("host", "").lower() == public.netloc.lower()
        return request.url.scheme == "https" or (is_public and public.scheme == "https")

    @router.api_route("/", methods=["GET", "HEAD"])
    def show_index(request: Request) -> Response:
        return render(request, "index.html")

    @router.api_route("/login", methods=["GET", "HEAD"])
    def show_login(request: Request) -> Response:
        if doors.is_known(request):
            return RedirectResponse("/", 303)
        return render(request, "login.html", failed=False)

    @router.post("/login")
    def log_in(request: Request, token: Annotated[str, Form()]) -> Response:
        if not doors.is_token(token.strip()):
            return render(request, "login.html", status=401, failed=True)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            SESSION_COOKIE,
            doors.session_value(),
            max_age=_SESSION_S,
            httponly=True,
            samesite="strict",
            secure=is_secure(request),
        )
        return answer

    @router.post("/logout")
    def log_out() -> Response:
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(SESSION_COOKIE)
        return answer

    return router


def render(request: Request, template: str, *, status: int = 200, **context: object) -> Response:
    """Return a page under a policy that lets in only our own scripts and styles."""
    nonce = secrets.token_urlsafe(16)
    language = language_of(request.headers, request.cookies)
    html = _templates.get_template(template).render(
        lang=language,
        t=strings(language),
        nonce=nonce,
        version=__version__,
        page=Path(template).stem,
        **context,
    )
    policy = (
        "default-src 'none'; script-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:;"
        f" style-src 'self' 'nonce-{nonce}'; connect-src 'self'; font-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-cache",
        "Content-Language": language,
        "Vary": "Accept-Language, Cookie",
    }
    return HTMLResponse(html, status, headers)
