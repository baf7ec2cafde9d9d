"""One tus request and its answer."""

import json
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers
from starlette.types import Scope

from sarau.errors import FailedError, RefusedCode, RefusedError, SarauError
from sarau.intake import Intake
from sarau.model.ids import UserId
from sarau.web.problems import MEDIA_TYPE, document, language_of, status_of
from sarau.web.reception import Body
from sarau.web.tus.turns import Turns

TUS_VERSION = "1.0.0"

# tus 1.0 names 400 where the rest of our API answers 422, and 403 for a file that is whole.
_STATUSES = {
    RefusedCode.INVALID_REQUEST: 400,
    RefusedCode.UNKNOWN_PRESET: 400,
    RefusedCode.WRONG_STATE: 403,
}


class BrokenOffError(Exception):
    """The client went away or stalled; what arrived is acknowledged, and nobody listens."""


@dataclass(frozen=True, slots=True)
class Server:
    """What every request needs."""

    intake: Intake
    turns: Turns
    public_url: str | None
    prefix: str


@dataclass(frozen=True, slots=True)
class Request:
    """What the client asks for."""

    scope: Scope
    method: str
    upload_id: str
    """Empty for the collection itself."""
    owner_id: UserId
    headers: Headers
    body: Body


@dataclass(slots=True)
class Answer:
    """What the client is told."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def location(server: Server, request: Request, upload_id: str) -> str:
    """Return the absolute address of an upload; some clients cannot follow a path alone."""
    base = server.public_url or f"{request.scope['scheme']}://{request.headers.get('host', '')}"
    return f"{base.rstrip('/')}{server.prefix}/{upload_id}"


def refusal(error: SarauError, headers: Headers) -> Answer:
    """Return the answer for an error: the status of the standard, a problem document."""
    status = status_of(error.code)
    extra: dict[str, str] = {}
    if isinstance(error, RefusedError):
        status = _STATUSES.get(error.code, status)
    if error.code is RefusedCode.TUS_VERSION:
        extra["Tus-Version"] = TUS_VERSION
    if isinstance(error, FailedError):
        extra["Retry-After"] = "5"
    language = language_of(headers, _cookies(headers))
    body = json.dumps(document(error, language, status), ensure_ascii=False).encode()
    return Answer(status, {"Content-Type": MEDIA_TYPE, "Content-Language": language} | extra, body)


def _cookies(headers: Headers) -> dict[str, str]:
    try:
        return {
            name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()
        }
    except CookieError:
        return {}
