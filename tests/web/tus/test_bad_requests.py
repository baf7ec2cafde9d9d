"""Bad requests, written to the socket byte by byte: each gets the status of its standard.

None of them costs the upload anything: it is finished afterwards, and its bytes are those
that were sent. tus 1.0 is one table, the IETF draft another.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.web.raw import Reply, ask, chunked, connect, head_of, reply

DATA = b"abcdefghij"
HERE = 3
"""So many bytes of DATA were acknowledged before the bad request."""
LONG = "A" * 100_000

Headers = dict[str, str | None]
_TUS: Headers = {"Tus-Resumable": "1.0.0"}
_BYTES: Headers = {"Content-Type": "application/offset+octet-stream"}
_PART: Headers = {"Content-Type": "application/partial-upload"}
_GOOD: dict[tuple[str, str], Headers] = {
    ("tus", "POST"): _TUS | {"Upload-Length": "10"},
    ("tus", "HEAD"): _TUS,
    ("tus", "PATCH"): _TUS | _BYTES | {"Upload-Offset": "3"},
    ("tus", "DELETE"): _TUS,
    ("tus", "OPTIONS"): {},
    ("draft", "POST"): {"Upload-Complete": "?0", "Upload-Length": "10"},
    ("draft", "HEAD"): {},
    ("draft", "PATCH"): _PART | {"Upload-Complete": "?0", "Upload-Offset": "3"},
    ("draft", "DELETE"): {},
}


@dataclass(frozen=True)
class Bad:
    """What is wrong with a request that would be good otherwise."""

    verb: str
    what: str
    status: int
    code: str | None
    """None where the standard or the parser gives no body that could hold it."""
    headers: Headers = field(default_factory=dict)
    body: bytes = b""
    path: str | None = None


def pairs(**said: str) -> str:
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in said.items())


_UNKNOWN = "/files/" + "0" * 32
_OUTSIDE = "/files/..%2f..%2fetc%2fpasswd"

TUS = [
    Bad("POST", "no length", 400, "upload_length_invalid", {"Upload-Length": None}),
    Bad("POST", "two lengths", 400, "upload_length_invalid", {"Upload-Defer-Length": "1"}),
    Bad("POST", "wrong length", 400, "invalid_request", {"Upload-Length": "10.0"}),
    Bad("POST", "negative length", 400, "invalid_request", {"Upload-Length": "-10"}),
    Bad("POST", "length of 30 digits", 400, "invalid_request", {"Upload-Length": "9" * 30}),
    Bad("POST", "length over the limit", 413, "upload_too_large", {"Upload-Length": str(1 << 50)}),
    Bad(
        "POST",
        "negative deferral",
        400,
        "upload_length_invalid",
        {"Upload-Length": None, "Upload-Defer-Length": "-1"},
    ),
    Bad(
        "POST",
        "metadata is not base64",
        400,
        "upload_metadata_invalid",
        {"Upload-Metadata": "filename %%%"},
    ),
    Bad("POST", "unknown preset", 400, "unknown_preset", {"Upload-Metadata": pairs(preset="loud")}),
    Bad(
        "POST",
        "unsupported checksum",
        400,
        "upload_checksum_unsupported",
        _BYTES | {"Upload-Checksum": "crc64 AAAA"},
        DATA,
    ),
    Bad(
        "POST",
        "unsupported checksum of a part",
        400,
        "upload_checksum_unsupported",
        _BYTES | {"Upload-Checksum": "crc64 AAAA", "Upload-Length": "5000000"},
        DATA,
    ),
    Bad("POST", "body longer than declared", 413, "upload_too_large", _BYTES, DATA + b"!"),
    Bad("POST", "large body longer than declared", 413, "upload_too_large", _BYTES, DATA * 90_000),
    Bad("POST", "body of another type", 415, "upload_media_type", {"Content-Type": "a/b"}, DATA),
    Bad("POST", "header of 100 KB", 431, None, {"Upload-Metadata": f"filename {LONG}"}),
    Bad("POST", "at an unknown upload", 405, "method_not_allowed", path=_UNKNOWN),
    Bad(
        "POST",
        "of an unknown piece",
        404,
        "not_found",
        {"Upload-Length": None, "Upload-Concat": f"final;{_UNKNOWN}"},
    ),
    Bad("POST", "concatenation of another kind", 400, "invalid_request", {"Upload-Concat": "both"}),
    Bad("POST", "unknown version", 412, "tus_version", {"Tus-Resumable": "2.0.0"}),
    Bad("POST", "negative body", 400, None, _BYTES | {"Content-Length": "-10"}),
    Bad(
        "POST",
        "override by a verb that is none",
        405,
        "method_not_allowed",
        {"X-HTTP-Method-Override": "MOVE"},
    ),
    Bad("HEAD", "unknown upload", 404, None, path=_UNKNOWN),
    Bad("HEAD", "path outside", 404, None, path=_OUTSIDE),
    Bad("HEAD", "header of 100 KB", 431, None, {"X-Long": LONG}),
    Bad("HEAD", "unknown version", 412, None, {"Tus-Resumable": "0.2"}),
    Bad("PATCH", "offset too small", 409, "upload_offset_mismatch", {"Upload-Offset": "2"}, b"d"),
    Bad("PATCH", "offset too large", 409, "upload_offset_mismatch", {"Upload-Offset": "4"}, b"d"),
    Bad("PATCH", "no offset", 400, "invalid_request", {"Upload-Offset": None}, b"d"),
    Bad("PATCH", "negative offset", 400, "invalid_request", {"Upload-Offset": "-3"}, b"d"),
    Bad("PATCH", "offset in words", 400, "invalid_request", {"Upload-Offset": "three"}, b"d"),
    Bad("PATCH", "another length", 400, "upload_length_invalid", {"Upload-Length": "11"}, b"d"),
    Bad("PATCH", "length below the offset", 400, "upload_length_invalid", {"Upload-Length": "2"}),
    Bad("PATCH", "negative length", 400, "invalid_request", {"Upload-Length": "-1"}, b"d"),
    Bad(
        "PATCH",
        "unsupported checksum",
        400,
        "upload_checksum_unsupported",
        {"Upload-Checksum": "crc64 AAAA"},
        b"d",
    ),
    Bad(
        "PATCH",
        "checksum is not base64",
        400,
        "invalid_request",
        {"Upload-Checksum": "sha1 %%%"},
        b"d",
    ),
    Bad(
        "PATCH",
        "wrong checksum",
        460,
        "upload_checksum_mismatch",
        {"Upload-Checksum": "sha1 " + "A" * 27 + "="},
        b"d",
    ),
    Bad("PATCH", "body longer than declared", 413, "upload_too_large", {}, b"defghij!"),
    Bad("PATCH", "large body longer than declared", 413, "upload_too_large", {}, DATA * 90_000),
    Bad("PATCH", "unknown upload", 404, "not_found", {}, b"d", _UNKNOWN),
    Bad("PATCH", "path outside", 404, "not_found", {}, b"d", _OUTSIDE),
    Bad("PATCH", "body of another type", 415, "upload_media_type", {"Content-Type": "a/b"}, b"d"),
    Bad("PATCH", "header of 100 KB", 431, None, {"X-Long": LONG}, b"d"),
    Bad("PATCH", "unknown version", 412, "tus_version", {"Tus-Resumable": "1"}, b"d"),
    Bad("PATCH", "negative body", 400, None, {"Content-Length": "-1"}),
    Bad("PATCH", "two offsets", 400, "invalid_request", {"upload-offset": "9"}, b"d"),
    Bad("DELETE", "unknown upload", 404, "not_found", path=_UNKNOWN),
    Bad("DELETE", "path outside", 404, "not_found", path=_OUTSIDE),
    Bad("DELETE", "header of 100 KB", 431, None, {"X-Long": LONG}),
    Bad("DELETE", "unknown version", 412, "tus_version", {"Tus-Resumable": "-1.0.0"}),
    Bad("OPTIONS", "header of 100 KB", 431, None, {"X-Long": LONG}),
]

DRAFT = [
    Bad("POST", "neither whole nor part", 400, "invalid_request", {"Upload-Complete": "yes"}),
    Bad("POST", "negative length", 400, "invalid_request", {"Upload-Length": "-10"}),
    Bad("POST", "length over the limit", 413, "upload_too_large", {"Upload-Length": str(1 << 50)}),
    Bad(
        "POST",
        "length that is not the body's",
        400,
        "upload_length_invalid",
        {"Upload-Complete": "?1", "Upload-Length": "9"},
        DATA,
    ),
    Bad("POST", "body longer than declared", 400, "upload_length_invalid", {}, DATA + b"!"),
    Bad(
        "POST",
        "metadata is not base64",
        400,
        "upload_metadata_invalid",
        {"Upload-Metadata": "filename %%%"},
    ),
    Bad("POST", "digest is not base64", 400, "invalid_request", {"Content-Digest": "sha-256=:%:"}),
    Bad(
        "POST",
        "wrong digest",
        400,
        "invalid_request",
        {"Upload-Complete": "?1", "Content-Digest": "sha-256=:" + "A" * 43 + "=:"},
        DATA,
    ),
    Bad("POST", "header of 100 KB", 431, None, {"Content-Disposition": f'a; filename="{LONG}"'}),
    Bad("POST", "at an unknown upload", 405, "method_not_allowed", path=_UNKNOWN),
    Bad("HEAD", "unknown upload", 404, None, path=_UNKNOWN),
    Bad("HEAD", "names an offset", 400, None, {"Upload-Offset": "3"}),
    Bad("HEAD", "header of 100 KB", 431, None, {"X-Long": LONG}),
    Bad("PATCH", "offset too small", 409, "upload_offset_mismatch", {"Upload-Offset": "2"}, b"d"),
    Bad("PATCH", "offset too large", 409, "upload_offset_mismatch", {"Upload-Offset": "4"}, b"d"),
    Bad("PATCH", "no offset", 400, "invalid_request", {"Upload-Offset": None}, b"d"),
    Bad("PATCH", "negative offset", 400, "invalid_request", {"Upload-Offset": "-3"}, b"d"),
    Bad("PATCH", "negative length", 400, "invalid_request", {"Upload-Length": "-1"}, b"d"),
    Bad("PATCH", "another length", 400, "upload_length_invalid", {"Upload-Length": "11"}, b"d"),
    Bad("PATCH", "whole too early", 400, "upload_length_invalid", {"Upload-Complete": "?1"}, b"d"),
    Bad("PATCH", "body longer than declared", 400, "upload_length_invalid", {}, b"defghij!"),
    Bad(
        "PATCH", "large body longer than declared", 400, "upload_length_invalid", {}, DATA * 90_000
    ),
    Bad("PATCH", "unknown upload", 404, "not_found", {}, b"d", _UNKNOWN),
    Bad("PATCH", "body of another type", 415, "upload_media_type", {"Content-Type": "a/b"}, b"d"),
    Bad(
        "PATCH",
        "digest is not base64",
        400,
        "invalid_request",
        {"Content-Digest": "sha-256=:%:"},
        b"d",
    ),
    Bad(
        "PATCH",
        "wrong digest",
        400,
        "invalid_request",
        {"Content-Digest": "sha-256=:" + "A" * 43 + "=:"},
        b"d",
    ),
    Bad("PATCH", "header of 100 KB", 431, None, {"X-Long": LONG}, b"d"),
    Bad("PATCH", "negative body", 400, None, {"Content-Length": "-1"}),
    Bad("DELETE", "unknown upload", 404, "not_found", path=_UNKNOWN),
    Bad("DELETE", "header of 100 KB", 431, None, {"X-Long": LONG}),
]


@dataclass(frozen=True)
class Begun:
    """An upload of DATA of which the first bytes were acknowledged, in one protocol."""

    server: Any
    protocol: str
    path: str
    finish: Callable[[], Reply]

    def check_unharmed(self) -> None:
        assert self.offset() == HERE
        assert self.finish().status in {200, 204}
        assert self.server.content(self.path) == DATA

    def offset(self) -> int:
        answer = ask(self.server.port, "HEAD", self.path, _GOOD[self.protocol, "HEAD"])
        return int(answer.headers["upload-offset"])


def begin(server: Any, protocol: str) -> Begun:
    given = _TUS | _BYTES | {"Upload-Length": "10"}
    if protocol == "draft":
        given = _GOOD["draft", "POST"]
    length: Headers = {"Content-Length": str(HERE)}
    created = ask(server.port, "POST", "/files/", given | length, DATA[:HERE])
    assert created.status == 201
    path = "/files/" + created.headers["location"].rpartition("/")[2]

    def finish() -> Reply:
        headers = _GOOD[protocol, "PATCH"] | {"Content-Length": str(len(DATA) - HERE)}
        if protocol == "draft":
            headers |= {"Upload-Complete": "?1"}
        return ask(server.port, "PATCH", path, headers, DATA[HERE:])

    return Begun(server, protocol, path, finish)


@pytest.mark.parametrize(
    ("protocol", "bad"),
    [
        pytest.param(protocol, bad, id=f"{protocol} {bad.verb} {bad.what}")
        for protocol, table in (("tus", TUS), ("draft", DRAFT))
        for bad in table
    ],
)
def test_a_bad_request_gets_the_status_of_its_standard_and_harms_no_upload(
    server: Any, protocol: str, bad: Bad
) -> None:
    begun = begin(server, protocol)
    made = len(server.tracks())
    here = "/files/" if bad.verb in {"POST", "OPTIONS"} else begun.path
    length: Headers = {"Content-Length": str(len(bad.body))} if bad.body else {}
    headers = _GOOD[protocol, bad.verb] | length | bad.headers
    answer = ask(server.port, bad.verb, bad.path or here, headers, bad.body)
    assert answer.status == bad.status
    if bad.code is not None:
        assert answer.problem["code"] == bad.code
        assert answer.problem["title"]
    assert len(server.tracks()) == made
    begun.check_unharmed()


@pytest.mark.parametrize("protocol", ["tus", "draft"])
def test_bytes_beyond_the_declared_body_are_not_the_uploads(server: Any, protocol: str) -> None:
    """The client says 7 and sends 30: what follows is no request, and no part of the file."""
    begun = begin(server, protocol)
    headers = _GOOD[protocol, "PATCH"] | {"Content-Length": "7"}
    with connect(server.port) as opened:
        opened.sendall(head_of("PATCH", begun.path, headers) + DATA[HERE:] + b"?" * 23)
        first = reply(opened)
        if first.status == 204:  # it was through before the rest was looked at
            first = reply(opened)
        assert first.status == 400
        assert opened.recv(1) == b""
    if begun.offset() == HERE:
        assert begun.finish().status in {200, 204}
    assert begun.offset() == len(DATA)
    assert server.content(begun.path) == DATA


@pytest.mark.parametrize("protocol", ["tus", "draft"])
@pytest.mark.parametrize("size", [20, 3_000_000])
def test_a_chunked_body_cannot_say_how_long_it_is_and_gives_no_more_than_the_file(
    server: Any, protocol: str, size: int
) -> None:
    """tus goes on; the draft (4.4.2) ends an upload whose offset would exceed its length."""
    begun = begin(server, protocol)
    headers = _GOOD[protocol, "PATCH"] | {"Transfer-Encoding": "chunked"}
    body = DATA[HERE:] + b"?" * size
    answer = ask(server.port, "PATCH", begun.path, headers, chunked(body))
    if protocol == "draft":
        assert (answer.status, answer.problem["code"]) == (400, "upload_length_invalid")
        assert ask(server.port, "HEAD", begun.path, {}).status == 410
        return
    assert (answer.status, answer.problem["code"]) == (413, "upload_too_large")
    begun.check_unharmed()


def test_a_digest_of_an_unknown_algorithm_is_no_error_in_the_draft(server: Any) -> None:
    """RFC 9530, section 2: a recipient may ignore any digest."""
    begun = begin(server, "draft")
    headers = _GOOD["draft", "PATCH"] | {"Content-Digest": "crc64=:AAAA:", "Content-Length": "1"}
    assert ask(server.port, "PATCH", begun.path, headers, b"d").status == 204
    assert begun.offset() == HERE + 1


@pytest.mark.parametrize("protocol", ["tus", "draft"])
@pytest.mark.parametrize("verb", ["POST", "PATCH", "HEAD", "DELETE"])
def test_a_request_that_breaks_off_in_its_headers_changes_nothing(
    server: Any, protocol: str, verb: str
) -> None:
    begun = begin(server, protocol)
    whole = head_of(verb, begun.path, _GOOD[protocol, verb])
    for end in (1, len(whole) // 2, len(whole) - 1):
        with connect(server.port) as opened:
            opened.sendall(whole[:end])
    begun.check_unharmed()
