"""Errors as RFC 9457 problem documents, and the one table of their HTTP statuses."""

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from sarau.errors import Code, FailedCode, FailedError, RefusedCode, RejectedCode, SarauError
from sarau.model.messages import choose_language, message

MEDIA_TYPE = "application/problem+json"
LANGUAGE_COOKIE = "sarau_lang"

_STATUSES: dict[Code, int] = {
    RefusedCode.INVALID_REQUEST: 422,
    RefusedCode.UNKNOWN_PRESET: 422,
    RefusedCode.INVALID_PRESET: 422,
    RefusedCode.PRESET_EXISTS: 409,
    RefusedCode.PRESET_READ_ONLY: 409,
    RefusedCode.NOT_FOUND: 404,
    RefusedCode.WRONG_STATE: 409,
    RefusedCode.UNAUTHORIZED: 401,
    RefusedCode.HOST_NOT_ALLOWED: 421,
    RefusedCode.ORIGIN_NOT_ALLOWED: 403,
    RefusedCode.TOKEN_REQUIRED: 403,
    RefusedCode.METHOD_NOT_ALLOWED: 405,
    RefusedCode.BODY_TOO_LARGE: 413,
    RefusedCode.BODY_TIMEOUT: 408,
    RefusedCode.UPLOAD_TOO_LARGE: 413,
    RefusedCode.UPLOAD_OFFSET_MISMATCH: 409,
    RefusedCode.UPLOAD_LENGTH_INVALID: 400,
    RefusedCode.UPLOAD_METADATA_INVALID: 400,
    RefusedCode.UPLOAD_GONE: 410,
    RefusedCode.UPLOAD_LOCKED: 423,
    RefusedCode.UPLOAD_INCOMPLETE: 400,
    RefusedCode.UPLOAD_CHECKSUM_MISMATCH: 460,
    RefusedCode.UPLOAD_CHECKSUM_UNSUPPORTED: 400,
    RefusedCode.UPLOAD_MEDIA_TYPE: 415,
    RefusedCode.TUS_VERSION: 412,
    RefusedCode.OUT_OF_SPACE: 507,
    RefusedCode.LOOKUP_OFF: 409,
    RefusedCode.CATALOG_IN_USE: 409,
    RefusedCode.CATALOG_NOT_CURRENT: 409,
    RefusedCode.CATALOG_NOT_EMPTY: 409,
    RefusedCode.RENDITION_REPLACED: 409,
    FailedCode.DISK_FULL: 507,
    FailedCode.OBJECT_MISSING: 500,
    FailedCode.INTERNAL: 500,
}
_REJECTED = 422
_UNAVAILABLE = 503


def status_of(code: Code) -> int:
    """Return the HTTP status for a code; one of ours that has none of its own is a 503."""
    return _STATUSES.get(code, _REJECTED if isinstance(code, RejectedCode) else _UNAVAILABLE)


def language_of(headers: Headers, cookies: dict[str, str]) -> str:
    """Return the language a person chose on the page, else the one their browser asks for."""
    return choose_language(cookies.get(LANGUAGE_COOKIE) or headers.get("accept-language"))


def document(error: SarauError, language: str, status: int) -> dict[str, object]:
    """Return the members of a problem document: a sentence for people, a code for programs."""
    return {
        "type": "about:blank",
        "title": message(error.code, language),
        "status": status,
        "code": str(error.code),
        "detail": error.detail,
    }


def problem(
    error: SarauError,
    language: str,
    *,
    headers: dict[str, str] | None = None,
    status: int | None = None,
) -> JSONResponse:
    """Return the answer for an error, with the status of its code or with another one."""
    status = status or status_of(error.code)
    extra = dict(headers or {})
    if error.code is RefusedCode.UNAUTHORIZED:
        extra["WWW-Authenticate"] = 'Bearer realm="sarau"'
    if isinstance(error, FailedError):
        extra["Retry-After"] = "5"
    return JSONResponse(
        document(error, language, status),
        status,
        {"Cache-Control": "no-store", "Content-Language": language, **extra},
        MEDIA_TYPE,
    )
