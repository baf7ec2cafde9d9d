"""The IETF draft on the same addresses: complete is what the client calls complete."""

import base64
import hashlib
import os
import socket
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.web.raw import ask, chunked, connect, head_of

from sarau.model.lifecycle import UploadState

MIB = 1 << 20
PROBLEMS = "https://iana.org/assignments/http-problem-types#"


def create(server: Any, body: bytes = b"", **headers: str) -> httpx.Response:
    return httpx.post(server.files, headers=headers, content=body)


def append(location: str, offset: int, body: Any, complete: str, **headers: str) -> httpx.Response:
    basic = {
        "Upload-Offset": str(offset),
        "Upload-Complete": complete,
        "Content-Type": "application/partial-upload",
    }
    return httpx.patch(location, headers=basic | headers, content=body)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("size", [0, 1, 100_000, 3 * MIB])
def test_one_request_may_be_enough(server: Any, size: int) -> None:
    data = os.urandom(size)
    disposition = "inline; filename=\"x.wav\"; filename*=UTF-8''can%C3%A7%C3%A3o.wav"
    answer = create(server, data, **{"Upload-Complete": "?1", "Content-Disposition": disposition})
    assert (answer.status_code, answer.headers["upload-complete"]) == (201, "?1")
    location = answer.headers["location"]
    assert server.content(location) == data
    assert server.upload(location).state is UploadState.RECEIVED
    assert server.upload(location).filename == "canção.wav"
    head = httpx.head(location)
    assert head.status_code == 204
    assert head.headers["upload-complete"] == "?1"
    assert head.headers["upload-offset"] == head.headers["upload-length"] == str(size)


def test_parameters_and_white_space_change_no_item(server: Any) -> None:
    headers = {"Upload-Complete": "?0;x=1", "Upload-Length": "6 ; y"}
    location = create(server, b"abc", **headers).headers["location"]
    answer = append(location, 3, b"def", "?1 ;x", **{"Upload-Offset": "3;z=?0"})
    assert (answer.status_code, answer.headers["upload-complete"]) == (200, "?1")
    assert server.content(location) == b"abcdef"


def test_a_file_arrives_in_parts_of_unknown_number(server: Any) -> None:
    data = os.urandom(3 * MIB)
    answer = create(server, data[:MIB], **{"Upload-Complete": "?0"})
    location = answer.headers["location"]
    assert (answer.status_code, answer.headers["upload-complete"]) == (201, "?0")
    assert answer.headers["upload-limit"].startswith(f"max-size={1 << 40}, max-age=")
    head = httpx.head(location).headers
    assert (head["upload-offset"], head["upload-complete"]) == (str(MIB), "?0")
    assert (head["cache-control"], "upload-length" in head) == ("no-store", False)
    answer = append(location, MIB, data[MIB : 2 * MIB], "?0")
    assert (answer.status_code, answer.headers["upload-complete"]) == (204, "?0")
    answer = append(location, 2 * MIB, data[2 * MIB :], "?1")
    assert (answer.status_code, answer.headers["upload-complete"]) == (200, "?1")
    assert server.content(location) == data
    assert server.upload(location).sha256 == hashlib.sha256(data).hexdigest()


def test_a_full_length_is_not_yet_complete(server: Any) -> None:
    location = create(server, b"abc", **{"Upload-Complete": "?0", "Upload-Length": "3"}).headers[
        "location"
    ]
    assert httpx.head(location).headers["upload-complete"] == "?0"
    assert server.upload(location).state is UploadState.RECEIVING
    assert append(location, 3, b"", "?1").headers["upload-complete"] == "?1"
    assert server.upload(location).state is UploadState.RECEIVED


def test_a_streamed_body_declares_the_length_by_ending(server: Any) -> None:
    location = create(server, **{"Upload-Complete": "?0"}).headers["location"]
    answer = append(location, 0, iter([b"abc", b"def"]), "?1")
    assert (answer.status_code, answer.headers["upload-offset"]) == (200, "6")
    assert server.upload(location).size_bytes == 6


def test_the_address_is_told_before_the_body_and_survives_the_connection(server: Any) -> None:
    data = os.urandom(2 * MIB)
    with socket.create_connection(("127.0.0.1", server.port)) as opened:
        opened.sendall(
            f"POST /files/ HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpload-Complete: ?1\r\n"
            f"Upload-Draft-Interop-Version: 8\r\nContent-Length: {len(data)}\r\n\r\n".encode()
        )
        opened.sendall(data[:MIB])
        interim = opened.recv(10_000).decode()
    status, *lines = interim.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines if line)
    assert status == "HTTP/1.1 104 Upload Resumption Supported"
    offset = int(httpx.head(headers["Location"]).headers["upload-offset"])
    assert 0 < offset <= MIB
    answer = append(headers["Location"], offset, data[offset:], "?1")
    assert answer.headers["upload-complete"] == "?1"
    assert server.content(headers["Location"]) == data


@pytest.mark.parametrize("version", [{}, {"Upload-Draft-Interop-Version": "7"}])
def test_only_a_client_of_this_version_is_sent_an_interim_answer(
    server: Any, version: dict[str, str | None]
) -> None:
    """The others must not be; what breaks off is then nobody's, and is let go of."""
    files = server.directory / "intake" / "uploads"
    headers = version | {"Upload-Complete": "?1", "Content-Length": "2000000"}
    with connect(server.port) as opened:
        opened.sendall(head_of("POST", "/files/", headers) + bytes(2_000_000))
        assert opened.recv(12) == b"HTTP/1.1 201"
    before = set(files.iterdir())
    with connect(server.port) as opened:
        opened.sendall(head_of("POST", "/files/", headers) + bytes(1_000_000))
        opened.shutdown(socket.SHUT_WR)
        assert not opened.recv(12).startswith(b"HTTP/1.1 1")
    until(lambda: set(files.iterdir()) == before)


def test_a_mismatching_offset_is_explained(server: Any) -> None:
    location = create(server, b"abc", **{"Upload-Complete": "?0"}).headers["location"]
    answer = append(location, 2, b"x", "?0")
    assert (answer.status_code, answer.headers["upload-offset"]) == (409, "3")
    assert answer.json()["type"] == PROBLEMS + "mismatching-upload-offset"
    assert (answer.json()["expected-offset"], answer.json()["provided-offset"]) == (3, 2)
    assert append(location, 3, b"d", "?1").status_code == 200


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Upload-Complete": "?1", "Upload-Length": "4"}, b"abc"),
        ({"Upload-Complete": "?0", "Upload-Length": "2"}, b"abc"),
    ],
)
def test_lengths_that_disagree_create_nothing(
    server: Any, headers: dict[str, str], body: bytes
) -> None:
    before = len(server.tracks())
    assert create(server, body, **headers).status_code == 400
    assert len(server.tracks()) == before


def test_a_length_that_changes_is_refused_and_the_upload_goes_on(server: Any) -> None:
    location = create(server, b"abc", **{"Upload-Complete": "?0", "Upload-Length": "6"}).headers[
        "location"
    ]
    for answer in (
        append(location, 3, b"de", "?0", **{"Upload-Length": "7"}),
        append(location, 3, b"de", "?1"),
    ):
        assert answer.status_code == 400
        assert answer.json()["type"] == PROBLEMS + "inconsistent-upload-length"
    assert append(location, 3, b"def", "?1").status_code == 200


@pytest.mark.parametrize("length", [{}, {"Upload-Length": "6"}])
def test_a_length_over_the_limit_is_refused_and_the_upload_goes_on(
    server: Any, length: dict[str, str]
) -> None:
    location = create(server, b"abc", **{"Upload-Complete": "?0"}, **length).headers["location"]
    answer = append(location, 3, b"d", "?0", **{"Upload-Length": str(1 << 41)})
    assert answer.status_code == (400 if length else 413)
    assert answer.json()["code"] == ("upload_length_invalid" if length else "upload_too_large")
    assert httpx.head(location).headers["upload-offset"] == "3"
    assert append(location, 3, b"def", "?1").status_code == 200
    assert server.content(location) == b"abcdef"


def test_a_length_is_kept_only_with_a_body_that_fits_into_it(server: Any) -> None:
    location = create(server, b"abc", **{"Upload-Complete": "?0"}).headers["location"]
    assert append(location, 3, b"def", "?0", **{"Upload-Length": "5"}).status_code == 400
    assert server.upload(location).size_bytes is None
    assert append(location, 3, b"def", "?0", **{"Upload-Length": "7"}).status_code == 204
    assert server.upload(location).size_bytes == 7
    assert append(location, 6, b"g", "?1").status_code == 200


def test_a_length_of_nothing_is_held_to(server: Any) -> None:
    headers = {"Upload-Complete": "?1", "Upload-Length": "0", "Transfer-Encoding": "chunked"}
    assert ask(server.port, "POST", "/files/", headers, chunked(b"")).status == 201
    before = len(server.tracks())
    assert ask(server.port, "POST", "/files/", headers, chunked(b"abc")).status == 413
    assert len(server.tracks()) == before


def test_an_upload_of_nothing_stays_open_and_empty_until_it_is_complete(server: Any) -> None:
    headers = {"Upload-Complete": "?0", "Upload-Length": "0"}
    location = create(server, **headers).headers["location"]
    head = httpx.head(location).headers
    assert (head["upload-length"], head["upload-complete"]) == ("0", "?0")
    assert append(location, 0, b"!", "?0").status_code == 400
    assert append(location, 0, b"", "?1").headers["upload-complete"] == "?1"
    assert server.upload(location).state is UploadState.RECEIVED
    assert server.content(location) == b""


def test_more_than_the_length_ends_the_upload_unless_it_is_announced(server: Any) -> None:
    location = create(server, b"abc", **{"Upload-Complete": "?0", "Upload-Length": "4"}).headers[
        "location"
    ]
    answer = append(location, 3, b"defgh", "?0")
    assert answer.json()["type"] == PROBLEMS + "inconsistent-upload-length"
    assert httpx.head(location).headers["upload-offset"] == "3"
    answer = append(location, 3, iter([b"def", b"gh"]), "?0")
    assert answer.json()["type"] == PROBLEMS + "inconsistent-upload-length"
    assert httpx.head(location).status_code == 410


def test_a_completed_upload_is_not_appended_to(server: Any) -> None:
    location = create(server, b"abc", **{"Upload-Complete": "?1"}).headers["location"]
    for body, kind in ((b"", "completed-upload"), (b"x", "inconsistent-upload-length")):
        answer = append(location, 3, body, "?1")
        assert (answer.status_code, answer.json()["type"]) == (400, PROBLEMS + kind)
    assert server.content(location) == b"abc"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Complete": "true"}, 400),
        ({"Upload-Complete": "?1", "Upload-Length": "5"}, 400),
        ({"Upload-Complete": "?0", "Upload-Length": str(1 << 41)}, 413),
    ],
)
def test_a_bad_creation_is_refused(server: Any, headers: dict[str, str], status: int) -> None:
    before = len(server.tracks())
    assert create(server, **headers).status_code == status
    assert len(server.tracks()) == before


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Offset": "-1"}, 400),
        ({"Upload-Offset": "a"}, 400),
        ({"Upload-Complete": "1"}, 400),
        ({"Content-Type": "application/octet-stream"}, 415),
        ({"Content-Digest": "sha-256=:AAAA:"}, 400),
        ({"Content-Digest": "sha-256=:%%:"}, 400),
    ],
)
def test_a_bad_append_leaves_the_upload_usable(
    server: Any, headers: dict[str, str], status: int
) -> None:
    location = create(server, b"abc", **{"Upload-Complete": "?0"}).headers["location"]
    assert append(location, 3, b"def", "?0", **headers).status_code == status
    assert append(location, 3, b"def", "?1").status_code == 200
    assert server.content(location) == b"abcdef"


def test_a_right_digest_is_accepted(server: Any) -> None:
    data = os.urandom(MIB)
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    location = create(server, **{"Upload-Complete": "?0"}).headers["location"]
    header = {"Content-Digest": f"md5=:AAAA:, sha-256=:{digest}:"}
    assert append(location, 0, data, "?1", **header).status_code == 200


def test_a_cancelled_upload_is_gone(server: Any) -> None:
    location = create(server, b"abc", **{"Upload-Complete": "?0"}).headers["location"]
    assert httpx.delete(location).status_code == 204
    assert httpx.head(location).status_code == 410


@pytest.mark.parametrize("length", ["3", "4", None])
def test_what_was_let_go_of_with_all_its_bytes_was_not_complete(
    server: Any, length: str | None
) -> None:
    given = {"Upload-Length": length} if length else {}
    location = create(server, b"abc", **{"Upload-Complete": "?0"}, **given).headers["location"]
    assert httpx.delete(location).status_code == 204
    head = httpx.head(location)
    assert (head.status_code, head.headers.get("upload-complete")) == (410, None)
    assert append(location, 3, b"", "?1").status_code == 410
    assert httpx.head(location, headers={"Tus-Resumable": "1.0.0"}).status_code == 410


@pytest.mark.parametrize(
    "name",
    ["filename*=idna''x", "filename*=undefined''x", "filename2;na ;00;n*;n*2", "filename*=x"],
)
def test_a_name_that_cannot_be_read_is_none(server: Any, name: str) -> None:
    headers = {"Upload-Complete": "?1", "Content-Disposition": f"attachment; {name}"}
    answer = create(server, b"abc", **headers)
    assert answer.status_code == 201
    assert server.upload(answer.headers["location"]).filename in {"untitled", "x"}


def test_both_protocols_speak_of_the_same_upload(server: Any) -> None:
    location = server.create(6)
    server.patch(location, 0, b"abc")
    assert httpx.head(location).headers["upload-complete"] == "?0"
    assert append(location, 3, b"def", "?1").status_code == 200
    assert server.offset(location) == 6


def test_all_bytes_are_the_end_to_a_client_of_tus_and_not_to_one_of_the_draft(server: Any) -> None:
    """One that asks by tus has nothing more to send, and would never call it complete."""
    location = create(server, b"abc", **{"Upload-Complete": "?0", "Upload-Length": "3"}).headers[
        "location"
    ]
    assert httpx.head(location).headers["upload-complete"] == "?0"
    assert server.upload(location).state is UploadState.RECEIVING
    assert server.offset(location) == 3
    assert server.upload(location).state is UploadState.RECEIVED
    assert server.upload(location).sha256 == hashlib.sha256(b"abc").hexdigest()
    assert httpx.head(location).headers["upload-complete"] == "?1"
