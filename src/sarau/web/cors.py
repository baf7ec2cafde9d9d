"""Pages of other sites that may upload here (CORS): only to `/files/`, never with our cookie."""

from starlette.requests import Request

from sarau.web.tus.verbs import METHODS

_ALLOW_HEADERS = (
    "Authorization, Content-Digest, Content-Disposition, Content-Type, Repr-Digest, traceparent, "
    "Tus-Resumable, Upload-Checksum, Upload-Complete, Upload-Concat, Upload-Defer-Length, "
    "Upload-Draft-Interop-Version, Upload-Length, Upload-Metadata, Upload-Offset, "
    "X-HTTP-Method-Override, X-Request-ID, X-Requested-With"
)
_EXPOSE_HEADERS = (
    "Location, Retry-After, Sarau-Track, Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, "
    "Tus-Resumable, Tus-Version, Upload-Complete, Upload-Concat, Upload-Defer-Length, "
    "Upload-Draft-Interop-Version, Upload-Expires, Upload-Length, Upload-Limit, "
    "Upload-Metadata, Upload-Offset, X-Request-ID"
)
_REMEMBERED_S = 24 * 3600
"""For how long a browser need not ask again, as far as it cares."""


def is_for_uploads(path: str) -> bool:
    """Tell whether a path is one of uploads."""
    return f"{path}/".startswith("/files/")


def is_preflight(request: Request) -> bool:
    """Tell whether a browser asks what a page may do; it sends no token with that."""
    return request.method == "OPTIONS" and "access-control-request-method" in request.headers


def headers_for(request: Request, *, is_allowed: bool) -> list[tuple[bytes, bytes]]:
    """Return what an answer about uploads says to browsers, where other sites may send some."""
    found = {"vary": "Origin"}
    if is_allowed:
        found["access-control-allow-origin"] = request.headers["origin"]
        found["access-control-expose-headers"] = _EXPOSE_HEADERS
        if is_preflight(request):
            found["access-control-allow-methods"] = METHODS
            found["access-control-allow-headers"] = _ALLOW_HEADERS
            found["access-control-max-age"] = str(_REMEMBERED_S)
    return [(name.encode(), value.encode("latin-1")) for name, value in found.items()]
