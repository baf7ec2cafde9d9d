"""Concatenation: one file made of pieces that were sent side by side."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from sarau.model.lifecycle import TrackState, UploadState

TUS = {"Tus-Resumable": "1.0.0"}


def piece(server: Any, data: bytes) -> str:
    location = server.create(len(data), **{"Upload-Concat": "partial"})
    assert server.patch(location, 0, data).status_code == 204
    return str(location)


def join(server: Any, *locations: str, **headers: str) -> httpx.Response:
    concat = {"Upload-Concat": "final;" + " ".join(locations)}
    return httpx.post(server.files, headers=TUS | concat | headers)


def test_pieces_become_one_track(server: Any) -> None:
    data = [os.urandom(size) for size in (5 << 20, 1, 70_000)]
    before = len(server.tracks())
    with ThreadPoolExecutor() as pool:
        locations = list(pool.map(lambda part: piece(server, part), data))
    assert len(server.tracks()) == before
    meta = server.metadata(filename="whole.wav")
    answer = join(server, *locations, **{"Upload-Metadata": meta})
    location = answer.headers["location"]
    assert answer.status_code == 201
    assert server.content(location) == b"".join(data)
    (track,) = [track for track in server.tracks() if track.id == answer.headers["sarau-track"]]
    assert (track.filename, track.state) == ("whole.wav", TrackState.RECEIVED)
    head = httpx.head(location, headers=TUS).headers
    assert head["upload-length"] == head["upload-offset"] == str(sum(map(len, data)))
    assert head["upload-concat"] == "final;" + " ".join(locations)
    assert httpx.head(locations[0], headers=TUS).headers["upload-concat"] == "partial"


def test_paths_name_pieces_too(server: Any) -> None:
    locations = [piece(server, part).removeprefix(server.url) for part in (b"ab", b"cd")]
    assert server.content(join(server, *locations).headers["location"]) == b"abcd"


def test_a_final_upload_is_not_appended_to(server: Any) -> None:
    location = join(server, piece(server, b"ab")).headers["location"]
    assert server.patch(location, 2, b"c").status_code == 403


def test_a_finished_piece_may_be_let_go_of(server: Any) -> None:
    location = piece(server, b"ab")
    assert httpx.delete(location, headers=TUS).status_code == 204
    assert server.upload(location).state is UploadState.DISCARDED
    assert join(server, location).status_code == 410


@pytest.mark.parametrize(
    ("concat", "headers", "status"),
    [
        ("final", {}, 400),
        ("final;", {}, 400),
        ("half", {"Upload-Length": "1"}, 400),
        ("final;/files/" + "0" * 32, {}, 404),
        ("final;/files/../../sarau.db", {}, 404),
        ("final;{unfinished}", {}, 400),
        ("final;{whole}", {}, 400),
        ("final;{piece}", {"Upload-Length": "2"}, 400),
    ],
)
def test_a_bad_concatenation_makes_nothing(
    server: Any, concat: str, headers: dict[str, str], status: int
) -> None:
    whole = server.create(2)
    server.patch(whole, 0, b"ab")
    unfinished = server.create(2, **{"Upload-Concat": "partial"})
    names = {"whole": whole, "unfinished": unfinished, "piece": piece(server, b"ab")}
    before = len(server.tracks())
    given = TUS | headers | {"Upload-Concat": concat.format(**names)}
    assert httpx.post(server.files, headers=given).status_code == status
    assert len(server.tracks()) == before
