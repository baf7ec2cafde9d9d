"""Whatever clients do, in any order, to two servers that may be killed: acknowledged is there.

What Hypothesis draws depends on nothing that a server does: a part of an upload is a fraction
of what is left of it, and where a connection is cut the server says how much it has.
"""

import hashlib
import random
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.web.upload_server import TUS, UploadServer

from sarau.model.lifecycle import UploadState

KILLS = 2
"""In one example: a server needs its time to come back."""
EXAMPLES = settings(
    max_examples=10,
    stateful_step_count=30,
    deadline=None,
    database=None,
    # What fails is not made smaller: it would take many more servers.
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.too_slow],
)
SIZES = st.one_of(st.integers(0, 5), st.integers(0, 300_000), st.integers(1 << 20, 3 << 20))
"""In bytes; a body from 256 KiB goes around the event loop."""
PARTS = st.floats(0, 1)
SERVERS = st.sampled_from((0, 1))


@dataclass
class Sent:
    """What a client knows of an upload: its bytes, and how many were acknowledged."""

    path: str
    data: bytes
    is_draft: bool
    """Whether it speaks the IETF draft, and not tus 1.0."""
    declares: bool
    """Whether the server was told the length at the beginning."""
    offset: int = 0
    is_finished: bool = False

    @property
    def left(self) -> int:
        return len(self.data) - self.offset

    def version(self) -> dict[str, str]:
        return {} if self.is_draft else TUS

    def headers(self, offset: int, *, is_last: bool = False) -> dict[str, str]:
        """Return those of a body that begins at `offset`."""
        found = {"Upload-Offset": str(offset)} | self.version()
        if self.is_draft:
            complete = {"Upload-Complete": f"?{int(is_last)}"}
            return found | complete | {"Content-Type": "application/partial-upload"}
        if is_last and not self.declares:
            found["Upload-Length"] = str(len(self.data))
        return found | {"Content-Type": "application/offset+octet-stream"}


class Clients(RuleBasedStateMachine):
    """People who send by either protocol, each request to either server."""

    servers: ClassVar[tuple[UploadServer, UploadServer]]
    uploads = Bundle("uploads")

    def __init__(self) -> None:
        super().__init__()
        self.all: list[Sent] = []
        self.kills = 0
        self.client = httpx.Client(timeout=None, verify=False)

    def teardown(self) -> None:
        with closing(self.client):
            for sent in self.all:
                for at in (0, 1):
                    self._check(at, sent)

    @rule(target=uploads, at=SERVERS, size=SIZES, is_draft=st.booleans(), declares=st.booleans())
    def create(self, at: int, size: int, *, is_draft: bool, declares: bool) -> Sent:
        headers = {"Upload-Complete": "?0"} if is_draft else dict(TUS)
        if declares:
            headers["Upload-Length"] = str(size)
        elif not is_draft:
            headers["Upload-Defer-Length"] = "1"
        answer = self.client.post(self.servers[at].files, headers=headers)
        assert answer.status_code == 201, answer.text
        path = httpx.URL(answer.headers["location"]).path
        sent = Sent(path, random.Random(size).randbytes(size), is_draft, declares)
        sent.is_finished = size == 0 and declares and not is_draft
        self.all.append(sent)
        return sent

    @rule(at=SERVERS, sent=uploads, part=PARTS, is_last=st.booleans())
    def append(self, at: int, sent: Sent, part: float, *, is_last: bool) -> None:
        """Send some of what is left, or all of it and say so."""
        if sent.is_finished:
            return
        count = sent.left if is_last else int(part * sent.left)
        body = sent.data[sent.offset : sent.offset + count]
        answer = self._patch(at, sent, sent.headers(sent.offset, is_last=is_last), body)
        assert answer.status_code in (200, 204), answer.text
        sent.offset += count
        says_length = sent.declares and not sent.is_draft
        sent.is_finished = sent.left == 0 and (is_last or says_length)
        self._check(at, sent)

    @rule(at=SERVERS, sent=uploads, beside=st.sampled_from((-3, -1, 1, 3)))
    def append_elsewhere(self, at: int, sent: Sent, beside: int) -> None:
        """An offset that is not the server's is refused, and costs nothing."""
        if sent.is_finished or sent.offset + beside < 0:
            return
        answer = self._patch(at, sent, sent.headers(sent.offset + beside), b"no")
        assert answer.status_code in (400, 409, 413), answer.text
        self._check(at, sent)

    @rule(at=SERVERS, sent=uploads)
    def append_too_much(self, at: int, sent: Sent) -> None:
        if sent.is_finished or not sent.declares:
            return
        answer = self._patch(at, sent, sent.headers(sent.offset), sent.data[sent.offset :] + b"!")
        assert answer.status_code in (400, 413), answer.text
        self._check(at, sent)

    @rule(at=SERVERS, sent=uploads, part=PARTS)
    def append_what_was_spoiled(self, at: int, sent: Sent, part: float) -> None:
        if sent.is_finished or sent.is_draft or sent.left == 0:
            return
        wrong = {"Upload-Checksum": "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA="}
        body = sent.data[sent.offset :][: max(1, int(part * sent.left))]
        answer = self._patch(at, sent, sent.headers(sent.offset) | wrong, body)
        assert answer.status_code == 460, answer.text
        self._check(at, sent)

    @rule(at=SERVERS, then=SERVERS, sent=uploads, part=PARTS)
    def lose_the_connection(self, at: int, then: int, sent: Sent, part: float) -> None:
        if sent.is_finished or sent.left == 0:
            return
        with self._begin(at, sent, part) as connection:
            connection.shutdown(socket.SHUT_WR)
            # The server closes it once it is done with the request: nothing comes later.
            with suppress(ConnectionError):
                while connection.recv(1 << 16):
                    pass
        self._ask(then, sent, at_most=sent.offset + int(part * (sent.left - 1)))

    @precondition(lambda self: self.kills < KILLS)
    @rule(at=SERVERS, then=SERVERS, sent=uploads, part=PARTS)
    def kill(self, at: int, then: int, sent: Sent, part: float) -> None:
        """Kill a server that is receiving, where there is something to receive."""
        self.kills += 1
        is_open = not sent.is_finished and sent.left > 0
        connection = self._begin(at, sent, part) if is_open else None
        self.servers[at].kill()
        self.servers[at].start()
        if connection is not None:
            connection.close()
            self._ask(then, sent, at_most=sent.offset + int(part * (sent.left - 1)))
        for each in self.all:
            self._check(at, each)

    @rule(at=SERVERS, then=SERVERS, sent=consumes(uploads))
    def terminate(self, at: int, then: int, sent: Sent) -> None:
        """What is whole belongs to its track; anything else is gone at once, everywhere."""
        answer = self.client.delete(self._url(at, sent), headers=sent.version())
        if sent.is_finished:
            assert answer.status_code == 403, answer.text
            self._check(then, sent)
            return
        assert answer.status_code == 204, answer.text
        self.all.remove(sent)
        answer = self.client.head(self._url(then, sent), headers=sent.version())
        assert answer.status_code in (404, 410)

    def _url(self, at: int, sent: Sent) -> str:
        return self.servers[at].url + sent.path

    def _patch(self, at: int, sent: Sent, headers: dict[str, str], body: bytes) -> httpx.Response:
        return self.client.patch(self._url(at, sent), content=body, headers=headers)

    def _begin(self, at: int, sent: Sent, part: float) -> socket.socket:
        """Declare all that is left, and send a part of it that is not the whole."""
        headers = sent.headers(sent.offset) | {"Host": "x", "Content-Length": str(sent.left)}
        lines = [f"PATCH {sent.path} HTTP/1.1", *(f"{name}: {headers[name]}" for name in headers)]
        connection = socket.create_connection(("127.0.0.1", self.servers[at].port))
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        connection.sendall(sent.data[sent.offset :][: int(part * (sent.left - 1))])
        return connection

    def _ask(self, at: int, sent: Sent, *, at_most: int) -> None:
        """Learn how much a server has of a body that broke off: of what was sent, any part."""
        offset = self._offset(at, sent)
        assert sent.offset <= offset <= at_most
        sent.offset = offset
        self._check(at, sent)

    def _offset(self, at: int, sent: Sent) -> int:
        answer = self.client.head(self._url(at, sent), headers=sent.version())
        assert answer.status_code in (200, 204), answer.text
        return int(answer.headers["upload-offset"])

    def _check(self, at: int, sent: Sent) -> None:
        server = self.servers[at]
        assert self._offset(at, sent) == sent.offset
        assert server.content(sent.path)[: sent.offset] == sent.data[: sent.offset]
        if not sent.is_finished:
            return
        upload = server.upload(sent.path)
        assert upload.state is UploadState.RECEIVED
        # The hash is known where one server saw all of it, else once the file is examined.
        assert upload.sha256 in (None, hashlib.sha256(sent.data).hexdigest())
        assert server.content(sent.path) == sent.data


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[UploadServer, UploadServer]]:
    first = UploadServer(tmp_path).start()
    second = first.second()
    yield first, second
    for one in (first, second):
        one.stop()


@pytest.mark.soak
def test_what_was_acknowledged_is_there(pair: tuple[UploadServer, UploadServer]) -> None:
    Clients.servers = pair
    run_state_machine_as_test(Clients, settings=EXAMPLES)
