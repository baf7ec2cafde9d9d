"""DELETE: an unfinished upload is let go of, with its file and its track."""

import os
from typing import Any

import httpx
import pytest

from sarau.model.lifecycle import TrackState, UploadState

TUS = {"Tus-Resumable": "1.0.0"}


def test_a_terminated_upload_is_gone_and_its_track_cancelled(server: Any) -> None:
    location = server.create(10)
    server.patch(location, 0, b"abc")
    track_id = server.upload(location).track_id
    assert httpx.delete(location, headers=TUS).status_code == 204
    assert not (server.directory / "intake" / "uploads" / location.rpartition("/")[2]).exists()
    assert server.upload(location).state is UploadState.DISCARDED
    (track,) = [track for track in server.tracks() if track.id == track_id]
    assert track.state is TrackState.CANCELLED


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
def test_a_terminated_upload_answers_gone(server: Any, method: str) -> None:
    location = server.create(10)
    httpx.delete(location, headers=TUS)
    headers = TUS | {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    assert httpx.request(method, location, headers=headers).status_code == 410


def test_a_whole_file_is_not_terminated(server: Any) -> None:
    location = server.create(3)
    server.patch(location, 0, b"abc")
    assert httpx.delete(location, headers=TUS).status_code == 403
    assert server.content(location) == b"abc"


def test_an_unknown_upload_is_not_found(server: Any) -> None:
    assert httpx.delete(server.files + "0" * 32, headers=TUS).status_code == 404
    assert httpx.delete(server.files + "..%2F..%2Fsarau.db", headers=TUS).status_code == 404


@pytest.mark.parametrize("sent", [1000, 2_000_000])
def test_a_request_at_work_loses_its_upload(server: Any, sent: int) -> None:
    data = os.urandom(4_000_000)
    location = server.create(len(data))
    held = server.send_part(location, 0, len(data), data[:sent])
    assert httpx.delete(location, headers=TUS).status_code == 204
    held.sendall(data[sent:])
    assert server.read_answer(held)[0] == 410
    held.close()
    assert server.upload(location).state is UploadState.DISCARDED
    assert not (server.directory / "intake" / "uploads" / location.rpartition("/")[2]).exists()
