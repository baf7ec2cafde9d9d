"""The fork server: when it gets ready for what, and what happens where there is no room."""

import errno
import json
import os
import resource
import socket
import subprocess
from collections.abc import Callable, Iterator

import pytest

from sarau.audio import _zygote_main


class Client:
    """The other end of a server's control socket, without children of its own."""

    def __init__(self) -> None:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.got_rest: list[int] = []
        """How many children there were."""
        self.server = _zygote_main._Server(theirs, self.get_rest)
        self.lifecycle, self._sent = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.results, self._written = os.pipe()

    def get_rest(self) -> None:
        self.got_rest.append(len(self.server._children))

    def ask(self, operation: str = "analyse") -> None:
        """Send a job, with its descriptors, and let go of them."""
        job = json.dumps({"operation": operation}).encode()
        socket.send_fds(self.control, [job], [self._sent.fileno(), self._written])
        self._sent.close()
        os.close(self._written)

    def is_let_go(self) -> bool:
        return os.read(self.results, 1) == b""


@pytest.fixture
def client() -> Iterator[Client]:
    made = Client()
    yield made
    made.server._control.close()
    made.control.close()
    made.lifecycle.close()
    os.close(made.results)


def fails(number: int) -> Callable[..., int]:
    def call(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return call


def test_analysing_waits_for_nothing_else(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", fails(errno.EAGAIN))
    client.ask()
    assert client.server._accept()
    assert client.got_rest == []


def test_the_rest_is_there_before_it_is_needed_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fork() -> int:
        assert client.got_rest == [0]
        raise OSError(errno.EAGAIN, "no room")

    monkeypatch.setattr(os, "fork", fork)
    client.ask("render")
    assert client.server._accept()
    client.server._complete()
    assert client.got_rest == [0]


def test_the_rest_is_got_while_the_first_child_is_at_work(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get_rest() -> None:
        client.get_rest()
        client.control.close()

    monkeypatch.setattr(client.server, "_get_rest", get_rest)
    with subprocess.Popen(["sleep", "600"]) as child:
        monkeypatch.setattr(os, "fork", lambda: child.pid)
        client.ask()
        client.server.run()  # Until the other end is closed; children are killed then.
    assert client.got_rest == [1]


def test_a_fork_that_fails_ends_its_job_only(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fork", fails(errno.EAGAIN))
    client.ask()
    assert client.server._accept()
    assert json.loads(client.lifecycle.recv(1000))["exited"] == 1
    assert client.is_let_go()


def test_a_child_that_cannot_be_watched_is_killed(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen(["sleep", "600"]) as child:
        monkeypatch.setattr(os, "fork", lambda: child.pid)
        monkeypatch.setattr(os, "pidfd_open", fails(errno.EMFILE))
        client.ask()
        assert client.server._accept()
        assert json.loads(client.lifecycle.recv(1000))["exited"] == 1
        with pytest.raises(ProcessLookupError):
            os.kill(child.pid, 0)
    assert client.is_let_go()


def test_descriptors_that_there_is_no_room_for_end_their_job_only(client: Client) -> None:
    client.ask()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, hard))
    try:
        assert client.server._accept()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert client.lifecycle.recv(1000) == b""
    assert client.is_let_go()
