"""HEAD: the truth about an upload, whatever happened to the connection or the server."""

import os
import time
from typing import Any

import httpx
import pytest

MIB = 1 << 20
TUS = {"Tus-Resumable": "1.0.0"}


def test_head_says_what_is_known(server: Any) -> None:
    meta = server.metadata(filename="a.flac")
    location = server.create(10, **{"Upload-Metadata": meta})
    server.patch(location, 0, b"abc")
    head = httpx.head(location, headers=TUS)
    assert head.status_code == 200
    assert head.headers["upload-offset"] == "3"
    assert head.headers["upload-length"] == "10"
    assert head.headers["upload-metadata"] == meta
    assert head.headers["cache-control"] == "no-store"
    assert head.headers["upload-expires"].endswith("GMT")
    assert len(head.headers["sarau-track"]) == 32
    server.patch(location, 3, b"defghij")
    assert "upload-expires" not in httpx.head(location, headers=TUS).headers


@pytest.mark.parametrize("name", ["0" * 32, "x", "", "%2e%2e%2f%2e%2e", "A" * 5000])
def test_an_unknown_upload_is_not_found(server: Any, name: str) -> None:
    assert httpx.head(server.files + name, headers=TUS).status_code == 404


def test_the_version_is_demanded(server: Any) -> None:
    answer = httpx.head(server.create(1), headers={"Tus-Resumable": "0.1"})
    assert (answer.status_code, answer.headers["tus-version"]) == (412, "1.0.0")


@pytest.mark.parametrize("part", [1, 100_000, 3 * MIB])
def test_a_stalled_holder_is_told_to_let_go_and_what_it_brought_is_kept(
    server: Any, part: int
) -> None:
    data = os.urandom(10 * MIB)
    location = server.create(len(data))
    stalled = server.send_part(location, 0, len(data), data[:part])
    time.sleep(0.3)
    assert server.offset(location) == part
    assert server.read_answer(stalled)[0] == 423
    stalled.close()
    assert server.patch(location, part, data[part:]).status_code == 204
    assert server.content(location) == data


@pytest.mark.parametrize("part", [1, 100_000, 3 * MIB])
def test_a_holder_in_another_process_is_told_to_let_go(own_server: Any, part: int) -> None:
    second = own_server.second()
    data = os.urandom(10 * MIB)
    location = own_server.create(len(data))
    stalled = own_server.send_part(location, 0, len(data), data[:part])
    time.sleep(0.3)
    there = second.files + location.rpartition("/")[2]
    assert second.offset(there) == part
    stalled.close()
    assert second.patch(there, part, data[part:]).status_code == 204
    assert own_server.offset(location) == len(data)
    assert own_server.content(location) == data
    second.stop()


@pytest.mark.parametrize("part", [1, 100_000, 3 * MIB])
def test_what_arrived_before_a_connection_broke_is_kept(server: Any, part: int) -> None:
    data = os.urandom(10 * MIB)
    location = server.create(len(data))
    server.send_part(location, 0, len(data), data[:part]).close()
    # The server sees the end of the connection a moment later, or the HEAD ends the wait: after
    # any part of what was sent.
    assert 0 <= server.offset(location) <= part
    offset = server.offset(location)
    assert server.patch(location, offset, data[offset:]).status_code == 204
    assert server.content(location) == data


def test_a_killed_server_knows_what_it_acknowledged_and_nothing_more(own_server: Any) -> None:
    data = os.urandom(100 * MIB)
    location = own_server.create(len(data))
    own_server.patch(location, 0, data[:1000])
    open_one = own_server.send_part(location, 1000, len(data) - 1000, data[1000 : 90 * MIB])
    while own_server.upload(location).offset_bytes == 1000:
        time.sleep(0.05)
    own_server.kill()
    open_one.close()
    acknowledged = own_server.upload(location).offset_bytes
    own_server.start()
    assert own_server.offset(location) == acknowledged > 32 * MIB
    assert len(own_server.content(location)) == acknowledged
    assert own_server.patch(location, acknowledged, data[acknowledged:]).status_code == 204
    assert own_server.content(location) == data
    # The hash on the way died with the process; the pipeline will hash the file.
    assert own_server.upload(location).sha256 is None


def test_a_stopping_server_keeps_what_arrived(own_server: Any) -> None:
    data = os.urandom(4 * MIB)
    location = own_server.create(len(data))
    held = own_server.send_part(location, 0, len(data), data[: 2 * MIB])
    time.sleep(0.5)
    own_server.stop()
    held.close()
    own_server.start()
    assert own_server.offset(location) == 2 * MIB
