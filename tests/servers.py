"""A real server in a process of its own, that can be killed and started again."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from tests import nursery

_READY = re.compile(r"Sarau is at (http://[\w.:\[\]-]+)")
_START_S = 60


class Server:
    """`sarau serve` over one data directory; the port stays the same after the first start.

    `within` is a command that runs another one somewhere else, such as on a host of its own.
    """

    python = Path(sys.executable)
    program: Sequence[str] = ("-m", "sarau")

    def __init__(
        self, data: Path, *options: str, within: Sequence[str] = (), **environment: str
    ) -> None:
        self.data = data
        self._options = options
        self._within = within
        self.url = ""
        self.log: list[str] = []
        self._port = 0
        self._environment = environment
        self._process: nursery.Forked | subprocess.Popen[bytes] | None = None
        self._reader = threading.Thread()

    def start(self) -> "Server":
        environment = {**os.environ, "SARAU_RESERVE_BYTES": "1000000", **self._environment}
        arguments = [*self.program, "serve", "--data", str(self.data)]
        arguments += ["--port", str(self._port), *self._options]
        said, theirs = os.pipe()
        try:
            self._process = self._start(arguments, environment, theirs)
        finally:
            os.close(theirs)
        found: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(said, found), daemon=True)
        self._reader.start()
        try:
            self.url = found.get(timeout=_START_S)
        except queue.Empty:
            raise AssertionError("the server did not start:\n" + "".join(self.log)) from None
        if not self.url:
            raise AssertionError("the server ended:\n" + "".join(self.log))
        self._port = int(self.url.rsplit(":", 1)[1])
        return self

    def _start(
        self, arguments: list[str], environment: dict[str, str], stderr: int
    ) -> nursery.Forked | subprocess.Popen[bytes]:
        usual = not self._within and self.python == Server.python
        if usual and self.program == Server.program:
            return nursery.start(arguments, environment=environment, stderr=stderr)
        command = [*self._within, str(self.python), *arguments]
        return subprocess.Popen(command, env=environment, stderr=stderr)

    def _read(self, said: int, found: queue.Queue[str]) -> None:
        with os.fdopen(said) as lines:
            for line in lines:
                self.log.append(line)
                if match := _READY.search(line):
                    found.put(match.group(1))
        found.put("")

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def kill(self) -> None:
        """End it as a power button would: no handler of ours runs."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: int) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(timeout=30)
        self._reader.join(timeout=30)
        self._process = None

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30, trust_env=False, **options)

    def wait_for(self, track_id: str, *states: str, timeout_s: float = 90) -> dict[str, Any]:
        """Return the track once it is in one of `states`."""
        end = time.monotonic() + timeout_s
        with self.client() as client:
            while True:
                track: dict[str, Any] = client.get(f"/api/v1/tracks/{track_id}").json()
                if track.get("state") in states:
                    return track
                assert time.monotonic() < end, f"still {track}\n" + "".join(self.log[-20:])
                time.sleep(0.1)

    def send(self, path: Path, **query: str) -> dict[str, Any]:
        """Send a file with one plain POST and return its track."""
        with self.client() as client:
            answer = client.post(
                "/api/v1/tracks", params={"filename": path.name, **query}, content=path.read_bytes()
            )
        assert answer.status_code == httpx.codes.CREATED, answer.text
        track: dict[str, Any] = answer.json()
        return track


class Worker:
    """`sarau worker` over one data directory; `within` as for a server."""

    def __init__(
        self, data: Path, log: Path, *, within: Sequence[str] = (), **environment: str
    ) -> None:
        self.log = log
        arguments = ["-m", "sarau", "worker", "--data", str(data)]
        found = {**os.environ, "SARAU_RESERVE_BYTES": "1000000", **environment}
        self.process: nursery.Forked | subprocess.Popen[bytes]
        with log.open("ab") as file:
            if within:
                command = [*within, sys.executable, *arguments]
                self.process = subprocess.Popen(command, env=found, stderr=file)
            else:
                self.process = nursery.start(arguments, environment=found, stderr=file)

    def wait_until_it_says(self, text: str, timeout_s: float = 60) -> None:
        end = time.monotonic() + timeout_s
        while text not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.05)

    def end(self, how: signal.Signals = signal.SIGKILL) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=90)
