"""Header fields that are decoded once read like Starlette's own."""

import pytest
from starlette.datastructures import Headers

from sarau.web.headers import headers_of

_RAW = [
    (b"host", b"a.example"),
    (b"upload-length", b"1"),
    (b"upload-length", b"2"),
    (b"upload-metadata", b"filename S\xe3o"),
    (b"empty", b""),
]


@pytest.mark.parametrize(
    "name", ["host", "Host", "UPLOAD-LENGTH", "Upload-Metadata", "empty", "none", ""]
)
def test_fields_read_as_starlette_reads_them(name: str) -> None:
    scope = {"type": "http", "headers": _RAW}
    quick, plain = headers_of(scope), Headers(scope=scope)
    assert (name in quick) == (name in plain)
    assert quick.get(name, "-") == plain.get(name, "-")
    assert quick.getlist(name) == plain.getlist(name)
    assert quick.items() == plain.items()


def test_they_are_decoded_once_for_a_request() -> None:
    scope = {"type": "http", "headers": _RAW}
    assert headers_of(scope) is headers_of(scope)
    assert headers_of({"type": "http", "headers": []}) is not headers_of(scope)
