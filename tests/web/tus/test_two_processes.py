"""Two server processes over one volume: what each remembers is never taken for the truth."""

import hashlib
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from tests.web.tus.upload_machine import rooms
from tests.web.upload_server import UploadServer

from sarau.catalog import events, tables
from sarau.model.clock import now
from sarau.model.ids import UploadId
from sarau.model.lifecycle import TrackState, UploadState

MIB = 1 << 20


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[UploadServer, UploadServer]]:
    first = UploadServer(tmp_path_factory.mktemp("pair")).start()
    second = first.second()
    yield first, second
    first.kill()
    second.kill()


def id_of(location: str) -> UploadId:
    return UploadId(location.rpartition("/")[2])


def at(server: UploadServer, location: str) -> str:
    """The same upload at another process's address."""
    return server.files + location.rpartition("/")[2]


@pytest.mark.parametrize("part", [50_000, MIB])
def test_a_hash_that_another_process_made_stale_is_not_used(
    pair: tuple[UploadServer, UploadServer], part: int
) -> None:
    """The first process still has the hasher of its own part when the third part comes to it."""
    data = os.urandom(4 * part)
    location = pair[0].create(len(data))
    for number, turn in enumerate((0, 1, 0, 1)):
        server, offset = pair[turn], number * part
        answer = server.patch(at(server, location), offset, data[offset : offset + part])
        assert answer.status_code == 204
    upload = pair[0].upload(location)
    assert upload.state is UploadState.RECEIVED
    assert upload.sha256 in {None, hashlib.sha256(data).hexdigest()}
    assert pair[0].content(location) == data


def test_a_part_that_was_sent_twice_is_in_no_hash_twice(
    pair: tuple[UploadServer, UploadServer],
) -> None:
    """The second process takes over in the middle of a part, and the first one comes back."""
    data = os.urandom(3 * MIB)
    location = pair[0].create(len(data))
    assert pair[0].patch(location, 0, data[:MIB]).status_code == 204
    stalled = pair[0].send_part(location, MIB, 2 * MIB, data[MIB : MIB + 300_000])
    offset = pair[1].offset(at(pair[1], location))
    assert MIB <= offset <= MIB + 300_000
    part = data[offset : offset + 100_000]
    assert pair[1].patch(at(pair[1], location), offset, part).status_code == 204
    stalled.close()
    rest = data[offset + 100_000 :]
    assert pair[0].patch(location, offset + 100_000, rest).status_code == 204
    assert pair[0].upload(location).sha256 in {None, hashlib.sha256(data).hexdigest()}
    assert pair[0].content(location) == data


def expire(server: UploadServer, location: str) -> None:
    with rooms(server.directory) as intake, intake._database.write() as connection:
        connection.execute(
            sa.update(tables.uploads)
            .where(tables.uploads.c.id == id_of(location))
            .values(expires_at=now() - timedelta(seconds=1))
        )


def test_what_another_process_receives_is_not_expired(
    pair: tuple[UploadServer, UploadServer],
) -> None:
    data = os.urandom(2 * MIB)
    location = pair[0].create(len(data))
    with pair[0].send_part(location, 0, len(data), data[:MIB]) as opened:
        expire(pair[1], location)
        with rooms(pair[1].directory) as intake:
            while not intake.files.is_held(id_of(location)):
                time.sleep(0.01)
            assert intake.expire_due() == 0
        opened.sendall(data[MIB:])
        assert pair[0].read_answer(opened)[0] == 204
    assert pair[1].content(location) == data


def test_two_processes_expire_an_upload_once(pair: tuple[UploadServer, UploadServer]) -> None:
    locations = [pair[0].create(10) for _ in range(20)]
    for location in locations:
        assert pair[0].patch(location, 0, b"abc").status_code == 204
        expire(pair[0], location)
    expired: list[int] = []

    def look() -> None:
        with rooms(pair[0].directory) as intake:
            expired.append(intake.expire_due())

    looking = [threading.Thread(target=look) for _ in range(2)]
    for one in looking:
        one.start()
    for one in looking:
        one.join()
    assert sum(expired) == len(locations)
    database = pair[0].catalog()
    with database.read() as connection:
        told = Counter(
            event.upload_id
            for event in events.after(connection, 0, limit=100_000)
            if event.kind == "upload.expired"
        )
    database.close()
    assert told == Counter(id_of(location) for location in locations)
    states = {track.state for track in pair[1].tracks() if track.state is TrackState.EXPIRED}
    assert states == {TrackState.EXPIRED}
    for location in locations:
        assert not (pair[0].directory / "intake" / "uploads" / id_of(location)).exists()
        assert pair[1].patch(at(pair[1], location), 3, b"defghij").status_code == 410


def test_both_processes_append_to_one_upload_and_one_wins_each_time(
    pair: tuple[UploadServer, UploadServer],
) -> None:
    data = os.urandom(20 * 30_000)
    location = pair[0].create(len(data))
    offset = 0
    while offset < len(data):
        part = data[offset : offset + 30_000]

        def send(server: UploadServer, offset: int = offset, part: bytes = part) -> int:
            return server.patch(at(server, location), offset, part).status_code

        with ThreadPoolExecutor(2) as pool:
            statuses = sorted(pool.map(send, pair))
        assert statuses.count(204) <= 1
        assert set(statuses) <= {204, 403, 409, 413, 423}
        found = pair[0].offset(location)
        assert found in {offset, offset + len(part)}
        assert 204 not in statuses or found == offset + len(part)
        offset = found
    assert pair[1].content(location) == data
