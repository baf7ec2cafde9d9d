"""POST: a new upload, with or without its first bytes, or a refusal that leaves nothing."""

import base64
import hashlib
import os
import socket
import time
from typing import Any

import httpx
import pytest
from tests.web.raw import ask, chunked, connect, head_of, reply
from tests.web.upload_server import UploadServer

from sarau.model.lifecycle import TrackState, UploadState

MIB = 1 << 20
TUS = {"Tus-Resumable": "1.0.0"}
WITH_BODY = {"Content-Type": "application/offset+octet-stream"}


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_new_upload_has_an_address_a_track_and_an_expiry(server: Any) -> None:
    meta = (
        f"filename {b64('noite de luar.flac')},filetype {b64('audio/flac')},preset {b64('podcast')}"
    )
    answer = httpx.post(
        server.files, headers=TUS | {"Upload-Length": "10", "Upload-Metadata": meta}
    )
    location = answer.headers["location"]
    assert answer.status_code == 201
    assert location.startswith(server.files)
    assert answer.headers["upload-expires"].endswith("GMT")
    assert answer.headers["tus-resumable"] == "1.0.0"
    (track,) = [track for track in server.tracks() if track.id == answer.headers["sarau-track"]]
    assert (track.filename, track.title) == ("noite de luar.flac", "noite de luar")
    assert (track.preset, track.state) == ("podcast", TrackState.RECEIVING)
    assert server.upload(location).metadata_header == meta
    assert server.offset(location) == 0


@pytest.mark.parametrize("size", [1, 65_536, MIB, MIB + 1, 5 * MIB])
def test_a_file_may_come_with_its_creation(server: Any, size: int) -> None:
    data = os.urandom(size)
    headers = TUS | WITH_BODY | {"Upload-Length": str(size)}
    answer = httpx.post(server.files, headers=headers, content=data)
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, str(size))
    upload = server.upload(answer.headers["location"])
    assert upload.state is UploadState.RECEIVED
    assert upload.sha256 == hashlib.sha256(data).hexdigest()
    assert server.content(answer.headers["location"]) == data
    assert "upload-expires" not in answer.headers


def test_only_the_beginning_may_come_with_the_creation(server: Any) -> None:
    headers = TUS | WITH_BODY | {"Upload-Length": "10"}
    answer = httpx.post(server.files, headers=headers, content=b"abc")
    location = answer.headers["location"]
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, "3")
    assert server.patch(location, 3, b"defghij").status_code == 204
    assert server.content(location) == b"abcdefghij"


def test_an_empty_file_is_whole_when_it_is_declared(server: Any) -> None:
    location = server.create(0)
    assert server.upload(location).state is UploadState.RECEIVED
    assert server.upload(location).sha256 == hashlib.sha256().hexdigest()
    assert server.offset(location) == 0


def test_the_length_may_come_later(server: Any) -> None:
    answer = httpx.post(server.files, headers=TUS | {"Upload-Defer-Length": "1"})
    location = answer.headers["location"]
    head = httpx.head(location, headers=TUS)
    assert (answer.status_code, head.headers["upload-defer-length"]) == (201, "1")
    assert "upload-length" not in head.headers
    assert server.patch(location, 0, b"abc").status_code == 204
    assert server.patch(location, 3, b"de", {"Upload-Length": "5"}).status_code == 204
    assert server.upload(location).state is UploadState.RECEIVED
    assert server.content(location) == b"abcde"


def test_a_streamed_creation_needs_no_content_length(server: Any) -> None:
    headers = TUS | WITH_BODY | {"Upload-Length": str(3 * MIB)}
    parts = (bytes([number]) * MIB for number in range(3))
    answer = httpx.post(server.files, headers=headers, content=parts)
    assert answer.headers["upload-offset"] == str(3 * MIB)
    assert server.upload(answer.headers["location"]).state is UploadState.RECEIVED


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("canção.wav", "canção.wav"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Music\\take 1.aiff", "take 1.aiff"),
        ("a\u202egnp.flac", "agnp.flac"),
        ("a\x00b\r\nc.mp3", "abc.mp3"),
        ("..", "untitled"),
        ("", "untitled"),
        ("x" * 2000, "x" * 1024),
    ],
)
def test_a_name_is_shown_and_never_a_path(server: Any, sent: str, kept: str) -> None:
    location = server.create(1, **{"Upload-Metadata": f"filename {b64(sent)}".strip()})
    assert server.upload(location).filename == kept


REFUSED = [
    ("no length", {}, 400, "upload_length_invalid"),
    (
        "both lengths",
        {"Upload-Length": "1", "Upload-Defer-Length": "1"},
        400,
        "upload_length_invalid",
    ),
    ("defer not 1", {"Upload-Defer-Length": "yes"}, 400, "upload_length_invalid"),
    ("negative", {"Upload-Length": "-1"}, 400, "invalid_request"),
    ("not a number", {"Upload-Length": "1e3"}, 400, "invalid_request"),
    ("digits of another script", {"Upload-Length": "\u0661".encode()}, 400, "invalid_request"),
    ("huge number", {"Upload-Length": "9" * 30}, 400, "invalid_request"),
    ("over the limit", {"Upload-Length": str((1 << 40) + 1)}, 413, "upload_too_large"),
    ("not base64", {"Upload-Metadata": "filename %%%"}, 400, "upload_metadata_invalid"),
    ("no padding", {"Upload-Metadata": "filename YQ"}, 400, "upload_metadata_invalid"),
    ("key twice", {"Upload-Metadata": "a YQ==,a YQ=="}, 400, "upload_metadata_invalid"),
    ("empty key", {"Upload-Metadata": "a YQ==,,b YQ=="}, 400, "upload_metadata_invalid"),
    ("unknown preset", {"Upload-Metadata": f"preset {b64('loud')}"}, 400, "unknown_preset"),
    ("wrong version", {"Tus-Resumable": "0.2.2"}, 412, "tus_version"),
]


@pytest.mark.parametrize(
    ("headers", "status", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_a_bad_creation_is_refused_and_leaves_nothing(
    server: Any, headers: dict[str, Any], status: int, code: str
) -> None:
    files = server.directory / "intake" / "uploads"
    before = len(server.tracks()), len(list(files.iterdir()))
    length = (
        {} if any("Length" in name for name in headers) or not headers else {"Upload-Length": "1"}
    )
    answer = httpx.post(server.files, headers=TUS | length | headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert (len(server.tracks()), len(list(files.iterdir()))) == before


@pytest.mark.parametrize("body", [b"x" * 11, b"x" * (2 * MIB)])
def test_a_body_longer_than_declared_is_refused(server: Any, body: bytes) -> None:
    before = len(server.tracks())
    answer = httpx.post(
        server.files, headers=TUS | WITH_BODY | {"Upload-Length": "10"}, content=body
    )
    assert answer.status_code == 413
    assert len(server.tracks()) == before


def test_a_body_of_another_type_is_refused(server: Any) -> None:
    headers = TUS | {"Upload-Length": "3", "Content-Type": "audio/flac"}
    assert httpx.post(server.files, headers=headers, content=b"abc").status_code == 415


def test_a_header_of_100_kb_is_refused_and_the_server_goes_on(server: Any) -> None:
    headers = TUS | {"Upload-Length": "1", "Upload-Metadata": "a " + "A" * 100_000}
    assert httpx.post(server.files, headers=headers).status_code == 431
    assert server.offset(server.create(1)) == 0


def test_an_upload_is_created_at_the_collection_only(server: Any) -> None:
    answer = httpx.post(server.create(5), headers=TUS | {"Upload-Length": "1"})
    assert answer.status_code == 405
    assert "PATCH" in answer.headers["allow"]


@pytest.mark.parametrize("size", [100, 3 * MIB])
def test_a_wrong_checksum_creates_nothing(server: Any, size: int) -> None:
    data = os.urandom(size)
    wrong = f"sha1 {base64.b64encode(hashlib.sha1(b'else').digest()).decode()}"
    right = f"sha1 {base64.b64encode(hashlib.sha1(data).digest()).decode()}"
    headers = TUS | WITH_BODY | {"Upload-Length": str(size)}
    answer = httpx.post(server.files, headers=headers | {"Upload-Checksum": wrong}, content=data)
    assert answer.status_code == 460
    answer = httpx.post(server.files, headers=headers | {"Upload-Checksum": right}, content=data)
    assert answer.status_code == 201
    assert TrackState.RECEIVED in {track.state for track in server.tracks()}


DEFERRED = None
LENGTHS = [
    # declared, how the body comes, the body, status, what is made of it
    (DEFERRED, "chunked", b"abc", 201, UploadState.RECEIVING),
    (DEFERRED, "chunked", b"", 201, UploadState.RECEIVING),
    (DEFERRED, "chunked", b"x" * (3 * MIB), 201, UploadState.RECEIVING),
    (DEFERRED, "length", b"abc", 201, UploadState.RECEIVING),
    (DEFERRED, "length", b"", 201, UploadState.RECEIVING),
    (DEFERRED, "length", b"x" * (3 * MIB), 201, UploadState.RECEIVING),
    (3, "chunked", b"abc", 201, UploadState.RECEIVED),
    (3, "length", b"abc", 201, UploadState.RECEIVED),
    (5, "chunked", b"abc", 201, UploadState.RECEIVING),
    (5, "chunked", b"", 201, UploadState.RECEIVING),
    (5, "length", b"abc", 201, UploadState.RECEIVING),
    (5, "length", b"", 201, UploadState.RECEIVING),
    (0, "chunked", b"", 201, UploadState.RECEIVED),
    (0, "length", b"", 201, UploadState.RECEIVED),
    (0, "chunked", b"abc", 413, None),
    (0, "length", b"abc", 413, None),
    (2, "chunked", b"abc", 413, None),
    (2, "length", b"abc", 413, None),
    (MIB, "chunked", b"x" * (3 * MIB), 413, None),
]


@pytest.mark.parametrize(("size", "framing", "body", "status", "state"), LENGTHS)
def test_every_way_to_say_lengths_is_told_apart(
    server: Any, size: int | None, framing: str, body: bytes, status: int, state: UploadState | None
) -> None:
    before = len(server.tracks()), len(list((server.directory / "intake/uploads").iterdir()))
    declared = {"Upload-Defer-Length": "1"} if size is None else {"Upload-Length": str(size)}
    is_chunked = framing == "chunked"
    framed = {"Transfer-Encoding": "chunked"} if is_chunked else {"Content-Length": str(len(body))}
    sent = chunked(body) if is_chunked else body
    answer = ask(server.port, "POST", "/files/", TUS | WITH_BODY | declared | framed, sent)
    assert answer.status == status
    if state is None:
        assert answer.problem["code"] == "upload_too_large"
        made = len(server.tracks()), len(list((server.directory / "intake/uploads").iterdir()))
        # The track of an upload that was begun stays in the list, cancelled.
        assert made[1] == before[1]
        assert {track.state for track in server.tracks()[: made[0] - before[0]]} <= {
            TrackState.CANCELLED
        }
        return
    upload = server.upload(answer.headers["location"])
    assert (upload.state, upload.size_bytes, upload.offset_bytes) == (state, size, len(body))
    assert answer.headers.get("upload-offset", "0") == str(len(body))
    assert server.content(answer.headers["location"]) == body


def test_a_body_of_no_length_is_held_to_the_limit_of_the_server(tmp_path: Any) -> None:
    small = UploadServer(tmp_path, options=(f"max={MIB}",)).start()
    headers = TUS | WITH_BODY | {"Upload-Defer-Length": "1", "Transfer-Encoding": "chunked"}
    answer = ask(small.port, "POST", "/files/", headers, chunked(b"x" * (2 * MIB)))
    assert (answer.status, answer.problem["code"]) == (413, "upload_too_large")
    assert list((small.directory / "intake/uploads").iterdir()) == []
    assert {track.state for track in small.tracks()} == {TrackState.CANCELLED}
    small.stop()


@pytest.mark.parametrize("with_head", [70_000, 30_000, 0])
def test_small_files_follow_one_another_on_a_connection(server: Any, with_head: int) -> None:
    """However much of a body comes together with its head, the next request is found."""
    files = [os.urandom(70_000) for _ in range(4)]
    wrong = base64.b64encode(hashlib.sha1(b"else").digest()).decode()
    answers = []
    with connect(server.port) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number, data in enumerate(files):
            headers = TUS | WITH_BODY | {"Upload-Length": "70000", "Content-Length": "70000"}
            checksum = f"sha1 {wrong}" if number == 1 else None
            head = head_of("POST", "/files/", headers | {"Upload-Checksum": checksum})
            connection.sendall(head + data[:with_head])
            if with_head < len(data):
                time.sleep(0.05)
                connection.sendall(data[with_head:])
            answers.append(reply(connection))
    assert [answer.status for answer in answers] == [201, 460, 201, 201]
    for answer, data in zip(answers, files, strict=True):
        if answer.status == 201:
            assert server.content(answer.headers["location"]) == data


def test_the_free_space_guard_counts_what_others_were_promised(own_server: Any) -> None:
    found = os.statvfs(own_server.directory)
    part = int(found.f_bavail * found.f_frsize * 0.6)
    location = own_server.create(part)
    answer = httpx.post(own_server.files, headers=TUS | {"Upload-Length": str(part)})
    assert (answer.status_code, answer.json()["code"]) == (507, "out_of_space")
    httpx.delete(location, headers=TUS)
    own_server.create(part)
