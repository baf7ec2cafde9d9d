"""PATCH: bytes arrive at the offset that the client names, or nowhere."""

import hashlib
import os
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
