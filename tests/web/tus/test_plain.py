"""POST of a whole file: raw or as a form, in one request."""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.web.raw import ask

from sarau.model.lifecycle import TrackState, UploadState

MIB = 1 << 20


def check(server: Any, answer: dict[str, Any], data: bytes, filename: str) -> None:
    assert answer["filename"] == filename
    assert answer["state"] == TrackState.RECEIVED
    upload = server.upload(answer["upload"]["id"])
    assert upload.state is UploadState.RECEIVED
    assert server.content(upload.id) == data
    assert upload.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 100_000, MIB + 1, 5 * MIB])
def test_a_raw_body_becomes_a_track(server: Any, size: int) -> None:
    data = os.urandom(size)
    address = f"{server.url}/api/v1/tracks?filename=a%20song.wav&preset=podcast"
    answer = httpx.post(address, content=data)
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/tracks/{answer.json()['id']}"
    assert answer.json()["preset"] == "podcast"
    check(server, answer.json(), data, "a song.wav")


@pytest.mark.parametrize("size", [5, 100_000])
def test_white_space_after_the_length_loses_no_byte(server: Any, size: int) -> None:
    data = os.urandom(size)
    address, length = "/api/v1/tracks?filename=a.wav", f"{size} \t"
    answer = ask(server.port, "POST", address, {"Content-Length": length}, data)
    assert answer.status == 201
    check(server, json.loads(answer.body), data, "a.wav")


@pytest.mark.parametrize("size", [0, 3 * MIB])
def test_a_streamed_body_needs_no_length(server: Any, size: int) -> None:
    data = os.urandom(size)
    parts = (data[start : start + 100_000] for start in range(0, size, 100_000))
    answer = httpx.post(f"{server.url}/api/v1/tracks?filename=s.wav", content=parts)
    check(server, answer.json(), data, "s.wav")


@pytest.mark.parametrize("size", [0, 10, 300_000, 5 * MIB])
def test_curl_sends_a_form(server: Any, tmp_path: Path, size: int) -> None:
    path = tmp_path / "maré alta.flac"
    path.write_bytes(os.urandom(size))
    address = f"{server.url}/api/v1/tracks"
    command = ["curl", "-sS", "-F", "preset=broadcast", "-F", f"file=@{path}", address]
    done = subprocess.run(command, capture_output=True, check=True)
    answer = httpx.Response(200, content=done.stdout).json()
    assert answer["preset"] == "broadcast"
    check(server, answer, path.read_bytes(), "maré alta.flac")


def test_curl_sends_a_raw_body(server: Any, tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(os.urandom(3 * MIB))
    address = f"{server.url}/api/v1/tracks?filename=song.wav"
    command = ["curl", "-sS", "--data-binary", f"@{path}", address]
    done = subprocess.run(command, capture_output=True, check=True)
    answer = httpx.Response(200, content=done.stdout).json()
    check(server, answer, path.read_bytes(), "song.wav")


FORM = {"Content-Type": "multipart/form-data; boundary=b"}
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nabc\r\n'
FIELD = b'--b\r\nContent-Disposition: form-data; name="field"\r\n\r\nx\r\n'
WIDE = FIELD.replace(b"x", b"x" * 4000)
PRESET = b'--b\r\nContent-Disposition: form-data; name="preset"\r\n\r\npodcast\r\n'


def test_other_parts_of_a_form_are_passed_over(server: Any) -> None:
    body = FIELD * 5 + PRESET + FIELD * 5 + FILE + FIELD + b"--b--\r\n"
    answer = httpx.post(f"{server.url}/api/v1/tracks", content=body, headers=FORM)
    assert answer.json()["preset"] == "podcast"
    check(server, answer.json(), b"abc", "a.wav")


def test_a_form_without_end_is_refused_before_it_fills_the_memory(server: Any) -> None:
    sent = 0

    def fields() -> Iterator[bytes]:
        nonlocal sent
        while sent < 512 * MIB:
            part = b"".join(FIELD.replace(b"field", b"%d" % n) for n in range(1000))
            sent += len(part)
            yield part

    with suppress(httpx.WriteError):
        answer = httpx.post(f"{server.url}/api/v1/tracks", content=fields(), headers=FORM)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert sent < 128 * MIB


@pytest.mark.parametrize(
    ("query", "headers", "body", "status", "code"),
    [
        ("?preset=loud", {}, b"abc", 422, "unknown_preset"),
        ("", FORM, b"--b--\r\n", 422, "invalid_request"),
        ("", FORM, PRESET + b"--b--\r\n", 422, "invalid_request"),
        ("", FORM, FILE + PRESET + b"--b--\r\n", 422, "invalid_request"),
        ("", FORM, FILE + FILE + b"--b--\r\n", 422, "invalid_request"),
        ("", FORM, FILE, 400, "upload_incomplete"),
        ("", FORM, FIELD * 17 + FILE + b"--b--\r\n", 422, "invalid_request"),
        ("", FORM, WIDE * 20 + FILE + b"--b--\r\n", 422, "invalid_request"),
        ("", FORM, FILE + WIDE * 20 + b"--b--\r\n", 422, "invalid_request"),
        ("", FORM, FILE + b"--b--\r\n" + b"x" * 70_000, 422, "invalid_request"),
        ("?preset=%00", {}, b"abc", 422, "unknown_preset"),
        ("", FORM, PRESET.replace(b"podcast", b"\0") + FILE + b"--b--\r\n", 422, "unknown_preset"),
        ("", FORM, b"nonsense", 422, "invalid_request"),
        ("", {"Content-Type": "multipart/form-data"}, FILE, 422, "invalid_request"),
    ],
)
def test_a_bad_request_is_refused_and_leaves_no_file(
    server: Any, query: str, headers: dict[str, str], body: bytes, status: int, code: str
) -> None:
    files = server.directory / "intake" / "uploads"
    before = len(list(files.iterdir()))
    answer = httpx.post(f"{server.url}/api/v1/tracks{query}", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(list(files.iterdir())) == before
    assert TrackState.RECEIVING not in {track.state for track in server.tracks()}
