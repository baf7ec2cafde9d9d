"""Header fields that are decoded once read like Starlette's own."""

import pytest
from starlette.datastructures import Headers

from sarau.web.headers import headers_of
from sarau.web.reception import content_length, has_body

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


def test_white_space_around_a_value_is_no_part_of_it() -> None:
    raw = [(b"content-length", b"5 \t"), (b"upload-length", b" 5"), (b"upload-length", b"6\t")]
    headers = headers_of({"type": "http", "headers": raw})
    assert content_length(headers) == 5
    assert headers.getlist("upload-length") == ["5", "6"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ([], False),
        ([(b"content-length", b"0")], False),
        ([(b"content-length", b"5")], True),
        ([(b"transfer-encoding", b"chunked")], True),
        ([(b"content-length", b"five")], True),
    ],
)
def test_only_a_body_that_says_so_is_empty(
    raw: list[tuple[bytes, bytes]],
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert has_body(headers_of({"type": "http", "headers": raw})) == expected
