"""Two clients over the same uploads, each at a server process of its own, against a model.

The model is what was acknowledged. Whatever the clients do to each other, and whichever
process is killed: an acknowledged byte is never lost, an offset never wrong, and a
finished upload has the bytes that were sent.
"""

import hashlib
import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from tests.web.upload_server import TUS, UploadServer

from sarau.catalog import Database, tables
from sarau.intake import Intake
from sarau.model.clock import now
from sarau.model.lifecycle import UploadState
from sarau.storage import Volume

BYTES = {"Content-Type": "application/offset+octet-stream"}
SIZES = st.sampled_from([1, 60, 9_000, 70_000, 400_000, 1_300_000])
"""Below and above what goes to the body sink, and what takes more than one buffer."""
CLIENTS = st.integers(0, 1)


@dataclass
class Known:
    """An upload as its clients know it."""

    path: str
    data: bytes
    size: int | None
    """None while the length is deferred."""
    piece: bool
    acknowledged: int = 0
    at_most: int = 0
    """What may have arrived of a request that nobody heard the end of."""
    state: str = "open"
    """`open`, `whole` or `gone`."""
    stalled: list[socket.socket] = field(default_factory=list)

    def close(self) -> None:
        for opened in self.stalled:
            opened.close()
        self.stalled.clear()


class Uploads(RuleBasedStateMachine):
    """The rules; `servers` are two processes over one volume, given by the test."""

    servers: tuple[UploadServer, UploadServer]
    made = 0
    known = Bundle("known")

    def __init__(self) -> None:
        super().__init__()
        self.clients = [httpx.Client(base_url=server.url, timeout=60) for server in self.servers]
        self.all: list[Known] = []

    # What a client does.

    @rule(target=known, client=CLIENTS, size=SIZES, deferred=st.booleans(), piece=st.booleans())
    def create(self, client: int, size: int, *, deferred: bool, piece: bool) -> Known:
        Uploads.made += 1
        data = random.Random(Uploads.made).randbytes(size)
        headers = {"Upload-Defer-Length": "1"} if deferred else {"Upload-Length": str(size)}
        if piece:
            headers |= {"Upload-Concat": "partial"}
        answer = self.clients[client].post("/files/", headers=TUS | headers)
        assert answer.status_code == 201, answer.text
        one = Known(path_of(answer), data, None if deferred else size, piece)
        self.all.append(one)
        return one

    @rule(target=known, client=CLIENTS, size=SIZES, share=st.floats(0, 1))
    def create_with_bytes(self, client: int, size: int, share: float) -> Known:
        Uploads.made += 1
        data = random.Random(Uploads.made).randbytes(size)
        part = data[: round(size * share)]
        headers = TUS | BYTES | {"Upload-Length": str(size)}
        answer = self.clients[client].post("/files/", headers=headers, content=part)
        assert answer.status_code == 201, answer.text
        one = Known(path_of(answer), data, size, piece=False)
        self.all.append(one)
        self.acknowledge(one, len(part))
        return one

    @rule(client=CLIENTS, one=known)
    def head(self, client: int, one: Known) -> None:
        answer = self.clients[client].head(one.path, headers=TUS)
        if one.state == "gone":
            assert answer.status_code == 410
            return
        assert answer.status_code == 200
        offset = int(answer.headers["upload-offset"])
        assert one.acknowledged <= offset <= max(one.at_most, one.acknowledged)
        length = answer.headers.get("upload-length")
        # A request that was told to let go may have declared the length before.
        assert length in {str(len(one.data)), None if one.size is None else ""}
        one.size = one.size or (length and len(one.data))
        one.close()
        self.acknowledge(one, offset)

    @rule(client=CLIENTS, one=known, share=st.floats(0, 1), off=st.sampled_from([0, 0, 0, -1, 1]))
    def patch(self, client: int, one: Known, share: float, off: int) -> None:
        """Send a part of what is left; `off` is how wrong the offset is."""
        at = max(0, one.acknowledged + off)
        part = one.data[at : at + max(1, round((len(one.data) - at) * share))]
        answer = self.send(client, one, at, part)
        sure = one.at_most <= one.acknowledged
        if one.state == "gone":
            assert answer.status_code == 410
        elif one.state == "whole":
            assert answer.status_code == (204 if at == len(one.data) else 409)
        elif at == one.acknowledged and sure:
            assert answer.status_code == 204, answer.text
            assert int(answer.headers["upload-offset"]) == at + len(part)
            self.acknowledge(one, at + len(part))
        elif sure:
            assert (answer.status_code, answer.json()["code"]) == (409, "upload_offset_mismatch")
        else:
            # The stalled request was told to let go, and left what it had brought.
            one.close()
            if answer.status_code == 204:
                self.acknowledge(one, at + len(part))
            else:
                assert answer.status_code in {409, 413, 403}, answer.text
                self.head(client, one)

    @rule(client=CLIENTS, one=known, share=st.floats(0, 1))
    def stall(self, client: int, one: Known, share: float) -> None:
        """Declare a body, send a part of it, and leave the connection open."""
        if one.state != "open" or one.at_most > one.acknowledged:
            return
        left = len(one.data) - one.acknowledged
        part = one.data[one.acknowledged :][: int(left * share)]
        if left == len(part):
            return
        server = self.servers[client]
        one.stalled.append(server.send_part(one.path, one.acknowledged, left, part))
        one.at_most = one.acknowledged + len(part)

    @rule(one=known)
    def cut(self, one: Known) -> None:
        """Break the connection of a stalled request."""
        one.close()

    @rule(one=known, shares=st.tuples(st.floats(0, 1), st.floats(0, 1)))
    def race(self, one: Known, shares: tuple[float, float]) -> None:
        """Both clients append at the same offset at the same moment."""
        if one.state != "open" or one.at_most > one.acknowledged:
            return
        at, left = one.acknowledged, len(one.data) - one.acknowledged
        parts = [one.data[at : at + max(1, round(left * share))] for share in shares]
        with ThreadPoolExecutor(2) as pool:
            sent = [pool.submit(self.send, n, one, at, part) for n, part in enumerate(parts)]
            answers = [one.result() for one in sent]
        for answer, part in zip(answers, parts, strict=True):
            if answer.status_code == 204:
                assert int(answer.headers["upload-offset"]) == at + len(part)
                one.acknowledged = max(one.acknowledged, at + len(part))
            else:
                assert answer.status_code in {403, 409, 413, 423}, answer.text
        one.at_most = at + max(map(len, parts))
        self.head(0, one)

    @rule(client=CLIENTS, one=known)
    def delete(self, client: int, one: Known) -> None:
        answer = self.clients[client].delete(one.path, headers=TUS)
        if one.state == "gone":
            assert answer.status_code == 410
        elif one.state == "whole" and not one.piece:
            assert answer.status_code == 403
        else:
            assert answer.status_code == 204, answer.text
            one.state = "gone"
        one.close()

    @rule(target=known, client=CLIENTS, one=known, other=known)
    def concatenate(self, client: int, one: Known, other: Known) -> Known:
        headers = TUS | {"Upload-Concat": f"final;{one.path} {other.path}"}
        answer = self.clients[client].post("/files/", headers=headers)
        pieces = (one, other)
        if any(piece.state == "gone" for piece in pieces):
            assert answer.status_code == 410
            return one
        if not all(piece.piece and piece.state == "whole" for piece in pieces):
            assert (answer.status_code, answer.json()["code"]) == (400, "upload_incomplete")
            return one
        assert answer.status_code == 201, answer.text
        data = one.data + other.data
        joined = Known(path_of(answer), data, len(data), piece=False, acknowledged=len(data))
        joined.at_most, joined.state = len(data), "final"
        self.check_bytes(joined)
        return one

    # What happens to the machine.

    @rule(one=known)
    def expire(self, one: Known) -> None:
        """The upload's time is over, and a third process looks for such uploads."""
        if one.state == "gone" or (one.state == "whole" and not one.piece):
            return
        self.head(0, one)
        with rooms(self.servers[0].directory) as intake:
            expired = sa.update(tables.uploads).where(tables.uploads.c.id == id_of(one))
            with intake._database.write() as connection:
                connection.execute(expired.values(expires_at=now() - timedelta(seconds=1)))
            still_open = one.state == "open" or one.piece
            assert intake.expire_due() == (1 if still_open else 0)
        if still_open:
            one.state = "gone"

    @rule()
    def recover(self) -> None:
        """A third process mends what a killed one may have left, while requests run."""
        with rooms(self.servers[0].directory) as intake:
            assert intake.recover().damaged == 0

    @rule(client=CLIENTS)
    def kill(self, client: int) -> None:
        self.servers[client].kill()
        for one in self.all:
            one.close()
        self.servers[client].start()

    # What must be true at any moment.

    @invariant()
    def acknowledged_bytes_are_there(self) -> None:
        for one in self.all:
            if one.state != "gone":
                found = self.servers[0].content(one.path)[: one.acknowledged]
                assert found == one.data[: one.acknowledged]

    def teardown(self) -> None:
        """Finish every upload that is still open."""
        try:
            for number, one in enumerate(self.all):
                if one.state == "open":
                    self.head(number % 2, one)
                if one.state == "open":
                    left = one.data[one.acknowledged :]
                    answer = self.send(number % 2, one, one.acknowledged, left)
                    assert answer.status_code == 204, answer.text
                    self.acknowledge(one, len(one.data))
                if one.state != "gone":
                    assert one.state == "whole", one
                    self.check_bytes(one)
        finally:
            for one in self.all:
                one.close()
            for client in self.clients:
                client.close()

    def send(self, client: int, one: Known, at: int, part: bytes) -> httpx.Response:
        headers = TUS | BYTES | {"Upload-Offset": str(at)}
        if one.size is None and at + len(part) == len(one.data):
            headers |= {"Upload-Length": str(len(one.data))}
        return self.clients[client].patch(one.path, headers=headers, content=part)

    def acknowledge(self, one: Known, offset: int) -> None:
        one.acknowledged = one.at_most = offset
        if offset == len(one.data) and (one.size is not None or offset):
            one.size, one.state = len(one.data), "whole"

    def check_bytes(self, one: Known) -> None:
        upload = self.servers[0].upload(one.path)
        assert upload.state is UploadState.RECEIVED
        assert upload.size_bytes == upload.offset_bytes == len(one.data)
        assert upload.sha256 in {None, hashlib.sha256(one.data).hexdigest()}
        assert self.servers[0].content(one.path) == one.data


@contextmanager
def rooms(directory: Path) -> Iterator[Intake]:
    """Open the volume and its catalog in this process too."""
    database = Database(f"sqlite:///{directory / 'sarau.db'}")
    intake = Intake(
        database,
        Volume.open(directory / "intake", "intake", reserve_bytes=0),
        max_upload_bytes=1 << 40,
        expiry_s=3600,
        on_received=lambda *_: None,
    )
    yield intake
    intake.close()
    database.close()


def path_of(answer: httpx.Response) -> str:
    return "/files/" + answer.headers["location"].rpartition("/")[2]


def id_of(one: Known) -> str:
    return one.path.rpartition("/")[2]
