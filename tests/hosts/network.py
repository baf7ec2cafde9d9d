"""Hosts on one machine: a network namespace each, with cables to switches that can be pulled."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "sarau"
NAMESPACES = Path("/run/netns")
_NETWORKS = 512
"""In 198.18.0.0/15, which RFC 2544 sets apart for tests; each is a /24."""


class Host:
    """A machine that sees nothing of the network of this one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.namespace = f"{_PREFIX}-{os.getpid()}-{name}"
        _ip("netns", "add", self.namespace)
        self.ip("link", "set", "lo", "up")

    def ip(self, *command: str) -> None:
        """Set up something of this host's network."""
        _ip("-n", self.namespace, *command)

    @property
    def within(self) -> tuple[str, ...]:
        """The beginning of a command that is run on this host."""
        return ("ip", "netns", "exec", self.namespace)


class Switch(Host):
    """A network; who is plugged into it has a port of his name."""

    def __init__(self, name: str, number: int) -> None:
        super().__init__(name)
        of_all = (2 * os.getpid() + number) % _NETWORKS
        self._net = f"198.{18 + of_all // 256}.{of_all % 256}"
        self._plugged = 0
        self.ip("link", "add", "bridge", "type", "bridge")
        self.ip("link", "set", "bridge", "up")

    def plug(self, host: Host) -> str:
        """Connect a host and return its address in this network."""
        self._add_port(host.name, self.name, "netns", host.namespace)
        address = self._next_address()
        host.ip("addr", "add", f"{address}/24", "dev", self.name)
        host.ip("link", "set", self.name, "up")
        return address

    def plug_in_this_machine(self) -> str:
        """Connect the machine that the test runs on, which needs no address of its own else."""
        cable = f"{_PREFIX}{os.getpid()}{self.name[0]}"
        self._add_port("tester", cable, "netns", str(os.getpid()))
        address = self._next_address()
        _ip("addr", "add", f"{address}/24", "dev", cable)
        _ip("link", "set", cable, "up")
        return address

    def pull(self, host: Host) -> None:
        """Cut a host off: no packet comes or goes, and nobody is told."""
        self.ip("link", "set", host.name, "down")

    def plug_in_again(self, host: Host) -> None:
        self.ip("link", "set", host.name, "up")

    def _next_address(self) -> str:
        self._plugged += 1
        return f"{self._net}.{self._plugged}"

    def _add_port(self, port: str, cable: str, *place: str) -> None:
        self.ip("link", "add", port, "type", "veth", "peer", "name", cable, *place)
        self.ip("link", "set", port, "master", "bridge", "up")


@contextmanager
def cleared() -> Iterator[None]:
    """Take away all hosts of this process at the end, also when that is its death.

    Another process does so when this one has let go of a pipe, in whatever way.
    """
    _clear()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.hosts.network", str(os.getpid())],
        stdin=subprocess.PIPE,
        start_new_session=True,
    ) as cleaner:
        yield
    assert cleaner.returncode == 0


def _clear(also: int | None = None) -> None:
    for place in NAMESPACES.glob(f"{_PREFIX}-*-*"):
        maker = int(place.name.split("-")[1])
        if maker == also or not Path(f"/proc/{maker}").exists():
            _end_all(place.name)
            _ip("netns", "del", place.name)


def _end_all(namespace: str) -> None:
    while pids := _ip("netns", "pids", namespace).split():
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


def _ip(*command: str) -> str:
    ended = subprocess.run(["ip", *command], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"ip {' '.join(command)}: {ended.stderr}"
    return ended.stdout


if __name__ == "__main__":
    sys.stdin.read()
    _clear(also=int(sys.argv[1]))
