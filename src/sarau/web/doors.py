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
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sarau.errors import RefusedCode, RefusedError
from sarau.settings import Settings
from sarau.web.cors import headers_for, is_for_uploads, is_preflight
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
_BAD_REQUEST = 400
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
    allowed_origins: frozenset[str] = frozenset()
    """Other sites whose pages may upload here."""

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

        Raises:
            ValueError: It is none.

        """
        return _is_own_name(header, self.host, self.public_url)

    def is_allowed_origin(self, request: Request) -> bool:
        """Tell whether a request that changes something comes from our own page or no page.

        Uploads may come from the pages of some other sites too.
        """
        if request.headers.get("origin") is None:
            return request.headers.get("sec-fetch-site") not in {"cross-site", "same-site"}
        return self._is_own_page(request) or self.is_from_allowed_page(request)

    def _is_own_page(self, request: Request) -> bool:
        own = {f"{request.scope['scheme']}://{request.headers.get('host')}"}
        if self.public_url:
            public = urlsplit(self.public_url)
            own.add(f"{public.scheme}://{public.netloc}")
        return request.headers.get("origin") in own

    def is_from_allowed_page(self, request: Request) -> bool:
        """Tell whether a request comes from another site's page that may upload, to do so."""
        is_allowed = request.headers.get("origin") in self.allowed_origins
        is_upload = is_for_uploads(str(request.scope["path"]))
        return is_allowed and is_upload and not self._is_own_page(request)

    def is_known(self, request: Request) -> bool:
        """Tell whether the request carries the token or the page's cookie.

        Another site's page brings the token: our cookie is for our own page.
        """
        if not self.token:
            return True
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(given.strip()):
            return True
        if self.is_from_allowed_page(request):
            return False
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
        marks = [*_MARKS, *self._for_other_sites(request)]

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message["headers"])
                names = {name.lower() for name, _ in given}
                message["headers"] = given + [one for one in marks if one[0] not in names]
            await send(message)

        try:
            self._check(request)
        except RefusedError as error:
            await self._refusal(request, error)(scope, receive, send_marked)
            return
        await self._app(scope, receive, send_marked)

    @staticmethod
    def _refusal(request: Request, error: RefusedError) -> Response:
        wants_page = "text/html" in request.headers.get("accept", "")
        if error.code is RefusedCode.UNAUTHORIZED and wants_page:
            return RedirectResponse("/login", 303)
        # What cannot be read is a bad request (RFC 9112, 3.2), not one whose meaning is refused.
        status = _BAD_REQUEST if error.code is RefusedCode.INVALID_REQUEST else None
        return problem(error, language_of(request.headers, request.cookies), status=status)

    def _for_other_sites(self, request: Request) -> list[tuple[bytes, bytes]]:
        if not self._doors.allowed_origins or not is_for_uploads(str(request.scope["path"])):
            return []
        is_allowed = self._doors.is_from_allowed_page(request)
        return headers_for(request, is_allowed=is_allowed)

    def _check(self, request: Request) -> None:
        host = request.headers.get("host", "")
        try:
            is_allowed_host = self._doors.is_allowed_host(host)
        except ValueError:
            raise RefusedError(RefusedCode.INVALID_REQUEST, f"Host: {host}") from None
        if not is_allowed_host:
            raise RefusedError(RefusedCode.HOST_NOT_ALLOWED, f"Host: {host}")
        if request.method not in _SAFE_METHODS and not self._doors.is_allowed_origin(request):
            raise RefusedError(
                RefusedCode.ORIGIN_NOT_ALLOWED, f"Origin: {request.headers.get('origin')}"
            )
        path = str(request.scope["path"])
        is_asked = is_preflight(request) and self._doors.is_from_allowed_page(request)
        is_open = path.startswith(_OPEN_PATHS) or is_asked
        if not is_open and not self._doors.is_known(request):
            raise RefusedError(RefusedCode.UNAUTHORIZED, "no token, or another one")
        # Nothing has a name with a NUL in it, and PostgreSQL does not even look for one.
        if "\x00" in path:
            raise RefusedError(RefusedCode.NOT_FOUND, "a NUL is in no address")
        if b"%00" in request.scope["query_string"]:
            raise RefusedError(RefusedCode.INVALID_REQUEST, "a NUL in the query")
