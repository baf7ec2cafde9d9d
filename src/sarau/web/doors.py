"""The doors: which names the server answers to, from which pages, and to whom.

On loopback there is one local user and no login, so the Host check is what keeps
another site's page from reaching the server by rebinding a name to 127.0.0.1.
"""

import hashlib
import hmac
import ipaddress
import socket
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sarau.errors import RefusedCode, RefusedError
from sarau.settings import Settings
from sarau.web.problems import language_of, problem

SESSION_COOKIE = "sarau_session"
_OPEN_PATHS = ("/healthz", "/readyz", "/login", "/static/")
_MARKS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"sandbox; default-src 'none'"),
)
"""What every answer says, unless it says something else by itself."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_loopback(host: str) -> bool:
    """Tell whether an address to listen on can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_may_listen(settings: Settings) -> None:
    """Allow to listen where the settings say.

    Raises:
        RefusedError: `token_required`, on any address but loopback without a token.

    """
    if not is_loopback(settings.host) and not settings.token:
        raise RefusedError(
            RefusedCode.TOKEN_REQUIRED, f"{settings.host} can be reached from other machines"
        )


@lru_cache(maxsize=64)
def _is_own_name(header: str, host: str, public_url: str | None) -> bool:
    name = (urlsplit(f"//{header}").hostname or "").rstrip(".")
    try:
        ipaddress.ip_address(name)
    except ValueError:
        public = urlsplit(public_url).hostname if public_url else None
        return name in {"localhost", host, public, socket.gethostname()}
    return True


@dataclass(frozen=True, slots=True)
class Doors:
    """What is let in."""

    token: str | None
    public_url: str | None
    host: str

    def session_value(self) -> str:
        """Return what the page's cookie holds: proof of the token, not the token."""
        return hmac.new(
            (self.token or "").encode(), b"sarau page session 1", hashlib.sha256
        ).hexdigest()

    def is_token(self, given: str) -> bool:
        """Compare a token in constant time."""
        return bool(self.token) and hmac.compare_digest(given.encode(), (self.token or "").encode())

    def is_allowed_host(self, header: str) -> bool:
        """Tell whether the server answers to a Host header.

        An address in figures always is: only names can be rebound.
        """
        return _is_own_name(header, self.host, self.public_url)

    def is_allowed_origin(self, request: Request) -> bool:
        """Tell whether a request that changes something comes from our own page or no page."""
        origin = request.headers.get("origin")
        if origin is None:
            return request.headers.get("sec-fetch-site") not in {"cross-site", "same-site"}
        own = {f"{request.url.scheme}://{request.headers.get('host')}"}
        if self.public_url:
            public = urlsplit(self.public_url)
            own.add(f"{public.scheme}://{public.netloc}")
        return origin in own

    def is_known(self, request: Request) -> bool:
        """Tell whether the request carries the token or the page's cookie."""
        if not self.token:
            return True
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(given.strip()):
            return True
        cookie = request.cookies.get(SESSION_COOKIE, "")
        return hmac.compare_digest(cookie.encode(), self.session_value().encode())


class DoorKeeper:
    """ASGI middleware that lets through what `Doors` allows, and marks every answer safe."""

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse with a problem document, or pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            self._check(request)
        except RefusedError as error:
            wants_page = "text/html" in request.headers.get("accept", "")
            if error.code is RefusedCode.UNAUTHORIZED and wants_page:
                await RedirectResponse("/login", 303)(scope, receive, send)
                return
            answer = problem(error, language_of(request.headers, request.cookies))
            await answer(scope, receive, send)
            return

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message["headers"])
                names = {name.lower() for name, _ in given}
                message["headers"] = given + [one for one in _MARKS if one[0] not in names]
            await send(message)

        await self._app(scope, receive, send_marked)

    def _check(self, request: Request) -> None:
        host = request.headers.get("host", "")
        if not self._doors.is_allowed_host(host):
            raise RefusedError(RefusedCode.HOST_NOT_ALLOWED, f"Host: {host}")
        if request.method not in _SAFE_METHODS and not self._doors.is_allowed_origin(request):
            raise RefusedError(
                RefusedCode.ORIGIN_NOT_ALLOWED, f"Origin: {request.headers.get('origin')}"
            )
        is_open = str(request.scope["path"]).startswith(_OPEN_PATHS)
        if not is_open and not self._doors.is_known(request):
            raise RefusedError(RefusedCode.UNAUTHORIZED, "no token, or another one")
