"""PATCH: bytes arrive at the offset that the client names, or nowhere."""

import base64
import hashlib
import os
import time
import zlib
from typing import Any

import httpx
import pytest

from sarau.model.lifecycle import TrackState, UploadState

MIB = 1 << 20


@pytest.mark.parametrize(
    "sizes", [[5], [1, 2, 3], [300_000], [3 * MIB, 1, 300_000, 2 * MIB], [40 * MIB]]
)
def test_bytes_arrive_whole_and_in_order(server: Any, sizes: list[int]) -> None:
    data = os.urandom(sum(sizes))
    location = server.create(len(data))
    offset = 0
    with httpx.Client() as client:
        for size in sizes:
            basic = {
                "Tus-Resumable": "1.0.0",
                "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream",
            }
            answer = client.patch(location, content=data[offset : offset + size], headers=basic)
            offset += size
            assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(offset))
            assert server.offset(location) == offset
    upload = server.upload(location)
    assert server.content(location) == data
    assert (upload.state, upload.offset_bytes) == (UploadState.RECEIVED, len(data))
    assert upload.sha256 == hashlib.sha256(data).hexdigest()


def test_the_track_becomes_received_with_the_last_byte(server: Any) -> None:
    location = server.create(2, **{"Upload-Metadata": server.metadata(filename="a song.flac")})
    track_id = server.upload(location).track_id
    states = []
    for offset in (0, 1):
        server.patch(location, offset, b"x")
        states += [track.state for track in server.tracks() if track.id == track_id]
    assert states == [TrackState.RECEIVING, TrackState.RECEIVED]


BAD = [
    ("offset too small", {"Upload-Offset": "2"}, 409, "upload_offset_mismatch"),
    ("offset too large", {"Upload-Offset": "4"}, 409, "upload_offset_mismatch"),
    ("negative offset", {"Upload-Offset": "-3"}, 400, "invalid_request"),
    ("offset is no number", {"Upload-Offset": "3.0"}, 400, "invalid_request"),
    ("wrong media type", {"Content-Type": "audio/flac"}, 415, "upload_media_type"),
    ("another length", {"Upload-Length": "11"}, 400, "upload_length_invalid"),
    ("negative length", {"Upload-Length": "-1"}, 400, "invalid_request"),
    ("unknown checksum", {"Upload-Checksum": "crc64 AAAA"}, 400, "upload_checksum_unsupported"),
    ("checksum not base64", {"Upload-Checksum": "sha1 ***"}, 400, "invalid_request"),
    ("checksum too short", {"Upload-Checksum": "sha1 AAAA"}, 400, "invalid_request"),
    (
        "wrong checksum",
        {"Upload-Checksum": "sha1 " + "A" * 27 + "="},
        460,
        "upload_checksum_mismatch",
    ),
    ("wrong version", {"Tus-Resumable": "2.0.0"}, 412, "tus_version"),
]


@pytest.mark.parametrize(
    ("headers", "status", "code"), [case[1:] for case in BAD], ids=[case[0] for case in BAD]
)
def test_a_bad_request_gets_its_status_and_leaves_the_upload_usable(
    server: Any, headers: dict[str, str], status: int, code: str
) -> None:
    location = server.create(10)
    assert server.patch(location, 0, b"abc").status_code == 204
    answer = server.patch(location, 3, b"defg", headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert server.offset(location) == 3
    assert server.patch(location, 3, b"defghij").status_code == 204
    assert server.content(location) == b"abcdefghij"


@pytest.mark.parametrize("size", [8, 1000, 2 * MIB])
def test_a_body_longer_than_declared_is_refused_before_it_is_written(
    server: Any, size: int
) -> None:
    location = server.create(10)
    server.patch(location, 0, b"abc")
    assert server.patch(location, 3, b"x" * size).status_code == 413
    assert server.offset(location) == 3


def test_a_streamed_body_longer_than_declared_keeps_what_belongs_to_the_file(server: Any) -> None:
    location = server.create(10)
    assert server.patch(location, 0, iter([b"abcdefgh", b"ijKLMN"])).status_code == 413
    assert server.patch(location, server.offset(location), b"abcdefghij").status_code == 204
    assert server.content(location) == b"abcdefghij"


def test_a_missing_offset_and_an_unknown_upload_are_told_apart(server: Any) -> None:
    location = server.create(5)
    headers = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
    assert httpx.patch(location, headers=headers, content=b"x").status_code == 400
    for unknown in ("0" * 32, "nothing", "..%2f..%2fetc%2fpasswd"):
        assert server.patch(server.files + unknown, 0, b"x").status_code == 404


def test_the_last_request_may_be_repeated_when_its_answer_was_lost(server: Any) -> None:
    location = server.create(3)
    server.patch(location, 0, b"abc")
    assert server.patch(location, 3, b"").status_code == 204
    assert server.patch(location, 0, b"abc").status_code == 409
    assert server.patch(location, 3, b"d").status_code == 413


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512", "md5", "crc32"])
@pytest.mark.parametrize("size", [5, 3 * MIB])
def test_a_right_checksum_is_accepted(server: Any, algorithm: str, size: int) -> None:
    data = os.urandom(size)
    if algorithm == "crc32":
        digest = zlib.crc32(data).to_bytes(4, "big")
    else:
        digest = hashlib.new(algorithm, data).digest()
    checksum = f"{algorithm} {base64.b64encode(digest).decode()}"
    location = server.create(size)
    assert server.patch(location, 0, data, {"Upload-Checksum": checksum}).status_code == 204
    assert server.content(location) == data


@pytest.mark.parametrize("size", [300_000, 3 * MIB])
def test_what_came_with_a_wrong_checksum_is_taken_back(server: Any, size: int) -> None:
    data = os.urandom(size)
    location = server.create(size + 3)
    server.patch(location, 0, b"abc")
    wrong = {"Upload-Checksum": "sha256 " + "A" * 43 + "="}
    assert server.patch(location, 3, data, wrong).status_code == 460
    assert server.offset(location) == 3
    assert server.patch(location, 3, data).status_code == 204
    assert server.content(location) == b"abc" + data
    assert server.upload(location).sha256 == hashlib.sha256(b"abc" + data).hexdigest()


@pytest.mark.parametrize("size", [100_000, 5 * MIB])
def test_the_method_may_be_overridden(server: Any, size: int) -> None:
    data = os.urandom(size)
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
        "X-HTTP-Method-Override": "PATCH",
    }
    location = server.create(size)
    assert httpx.post(location, headers=headers, content=data).status_code == 204
    assert server.content(location) == data


def test_a_connection_serves_its_next_request_after_a_large_body(server: Any) -> None:
    location = server.create(4 * MIB)
    basic = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
    with httpx.Client() as client:
        for offset in (0, 2 * MIB):
            part = os.urandom(2 * MIB)
            client.patch(location, content=part, headers=basic | {"Upload-Offset": str(offset)})
            head = client.head(location, headers=basic)
            assert head.headers["upload-offset"] == str(offset + 2 * MIB)
        refused = client.patch(location, content=b"x" * MIB, headers=basic | {"Upload-Offset": "1"})
        assert refused.status_code == 409
        assert client.head(location, headers=basic).status_code == 200


def test_what_a_slow_client_sent_is_in_the_file_before_more_comes(server: Any) -> None:
    location = server.create(8 * MIB)
    part = os.urandom(700_000)
    with server.send_part(location, 0, 8 * MIB, part):
        while len(server.content(location)) < len(part):
            time.sleep(0.05)
        assert server.content(location) == part


def test_a_broken_off_body_keeps_no_more_room_than_it_needs(server: Any) -> None:
    location = server.create(32 * MIB)
    with server.send_part(location, 0, 32 * MIB, b"x" * 2 * MIB):
        # To ask for the offset would end it before all is read.
        while len(server.content(location)) < 2 * MIB:
            time.sleep(0.05)
    assert server.offset(location) == 2 * MIB
    file = server.directory / "intake" / "uploads" / location.rpartition("/")[2]
    assert file.stat().st_blocks * 512 < 4 * MIB


@pytest.mark.parametrize(
    ("size", "body", "status", "code"),
    [
        ("5", b"def", 413, "upload_too_large"),
        ("2", b"d", 400, "upload_length_invalid"),
        (str(1 << 41), b"d", 413, "upload_too_large"),
    ],
)
def test_a_length_that_comes_late_is_kept_only_with_a_body_that_fits_into_it(
    server: Any, size: str, body: bytes, status: int, code: str
) -> None:
    answer = httpx.post(
        server.files,
        headers={"Tus-Resumable": "1.0.0", "Upload-Defer-Length": "1"},
    )
    location = answer.headers["location"]
    assert server.patch(location, 0, b"abc").status_code == 204
    answer = server.patch(location, 3, body, {"Upload-Length": size})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert server.upload(location).size_bytes is None
    assert server.patch(location, 3, b"def", {"Upload-Length": "6"}).status_code == 204
    assert server.content(location) == b"abcdef"


def test_a_length_that_comes_after_the_last_byte_makes_the_upload_whole(server: Any) -> None:
    answer = httpx.post(
        server.files, headers={"Tus-Resumable": "1.0.0", "Upload-Defer-Length": "1"}
    )
    location = answer.headers["location"]
    server.patch(location, 0, b"abc")
    assert server.patch(location, 3, b"", {"Upload-Length": "3"}).status_code == 204
    upload = server.upload(location)
    assert (upload.state, upload.size_bytes) == (UploadState.RECEIVED, 3)
