"""Workers that start in a moment: forked from one process that has read the code already.

Each is what `sarau worker` is, in a process of its own that can be killed; reading a second's
worth of Python modules anew after each kill is not what many kills are about.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any


class Nursery:
    """The process that the workers are forked from."""

    def __init__(self, data: Path, logs: Path, **environment: str) -> None:
        self._data = data
        self._logs = logs
        self._count = 0
        self._lock = threading.Lock()
        logs.mkdir()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.scale.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "SARAU_RESERVE_BYTES": "1000000", **environment},
        )

    def hire(self) -> "Forked":
        """Start a worker."""
        with self._lock:
            log = self._logs / f"{self._count:04}.log"
            log.touch()
            self._count += 1
            assert self._process.stdin
            assert self._process.stdout
            self._process.stdin.write(f"{self._data}\t{log}\n")
            self._process.stdin.flush()
            return Forked(int(self._process.stdout.readline()), log)

    def close(self) -> None:
        """End the nursery; its workers are killed by whoever hired them."""
        self._process.kill()
        self._process.communicate()


class Forked:
    """One worker."""

    def __init__(self, pid: int, log: Path) -> None:
        self.pid = pid
        self.log = log

    @property
    def has_joined(self) -> bool:
        return "runs at once" in self.log.read_text()

    @property
    def is_alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self) -> None:
        """End it as a power button would, and return when it is gone."""
        os.kill(self.pid, signal.SIGKILL)
        while self.is_alive:
            time.sleep(0.005)


def _fork(data: str, log: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDWR)
    for taken, fd in ((nothing, 0), (nothing, 1), (target, 2)):
        os.dup2(taken, fd)
    command: Any = _read_the_code()
    try:
        command(["worker", "--data", data])
    finally:
        os._exit(1)


def _read_the_code() -> object:
    import sarau.app  # noqa: F401, PLC0415 - what a worker reads when it starts
    from sarau.cli.main import main  # noqa: PLC0415 - as above

    return main


if __name__ == "__main__":
    _read_the_code()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead leave nothing behind
    for line in sys.stdin:
        print(_fork(*line.rstrip("\n").split("\t")), flush=True)
