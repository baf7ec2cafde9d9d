"""A request's header fields, decoded once.

An upload asks for some twenty of them. Starlette's own class looks through all of them each
time, and decodes the one that it finds.
"""

from starlette.datastructures import Headers
from starlette.types import Scope

_KEPT = "sarau.headers"


class _Indexed(Headers):
    """Starlette's header fields with an index by name: of a repeated one the first counts.

    White space around a value is no part of it (RFC 9110, 5.5); the parser leaves what follows.
    """

    def __init__(self, scope: Scope) -> None:
        super().__init__(raw=[(name, value.strip(b" \t")) for name, value in scope["headers"]])
        self._first: dict[str, str] = {}
        for name, value in self.raw:
            self._first.setdefault(name.decode("latin-1"), value.decode("latin-1"))

    def __getitem__(self, key: str) -> str:
        return self._first[key.lower()]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self._first


def headers_of(scope: Scope) -> Headers:
    """Return the header fields of the request that `scope` is about."""
    found: Headers | None = scope.get(_KEPT)
    if found is None:
        found = scope[_KEPT] = _Indexed(scope)
    return found
