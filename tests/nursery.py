"""Programs of ours that start in a moment: forked from a process that has read the code already.

Each is what `python -m sarau ...` is, in a process of its own that can be killed. Reading three
seconds' worth of Python modules anew for each is not what tests of servers are about.
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_ROOT = Path(__file__).parent.parent
_CODE = (
    "sarau.web.server",
    "sarau.cli.serve",
    "sarau.cli.worker",
    # What these read once they run.
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
)
_MAX_ORDER_BYTES = 1 << 17
_MAX_FDS = 256


class Forked:
    """One program: what tests use of `subprocess.Popen`."""

    def __init__(self, answers: socket.socket) -> None:
        self._answers = answers
        self.pid = self._next_answer()
        self.returncode: int | None = None

    def _next_answer(self) -> int:
        return int(self._answers.recv(64))

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._answers], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once the process is gone: minus the signal that ended it."""
        if self.returncode is None:
            if not select.select([self._answers], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = self._next_answer()
            self._answers.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class _Nursery:
    """The process that programs are forked from."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.nursery", str(theirs.fileno())],
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                # No thread of a library is there to be lost in a fork.
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )

    def fork(self, arguments: Sequence[str], environment: Mapping[str, str], fds: Any) -> Forked:
        order = {"arguments": arguments, "environment": dict(environment), "place": str(Path.cwd())}
        answers, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            message = json.dumps(order).encode()
            socket.send_fds(self._orders, [message], [theirs.fileno(), *fds])
        return Forked(answers)

    def close(self) -> None:
        """End it; programs that still run are ended by whoever started them."""
        self._orders.close()
        self._process.wait()


_open: list[_Nursery | None] = []
"""Empty where programs start as they do elsewhere, such as in benchmarks."""


@contextmanager
def opened() -> Iterator[None]:
    """Let `start` fork, until the block ends; who starts nothing waits for nothing."""
    _open.append(None)
    try:
        yield
    finally:
        found = _open.pop()
        if found is not None:
            found.close()


def start(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    stdout: IO[Any] | int | None = None,
    stderr: IO[Any] | int | None = None,
) -> "Forked | subprocess.Popen[bytes]":
    """Start Python with `arguments`; what it says goes to files or descriptors, or where ours does.

    It is forked where a nursery is open and an interpreter of its own would be no different.
    """
    wanted = dict(os.environ if environment is None else environment)
    if not _open or _read_by_python(wanted) != _read_by_python(os.environ):
        command = [sys.executable, *arguments]
        return subprocess.Popen(command, env=wanted, stdout=stdout, stderr=stderr)
    nursery = _open[-1]
    if nursery is None:
        nursery = _open[-1] = _Nursery()
    files = (1 if stdout is None else stdout, 2 if stderr is None else stderr)
    fds = [one if isinstance(one, int) else one.fileno() for one in files]
    return nursery.fork(list(arguments), wanted, fds)


def _read_by_python(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what only a fresh interpreter, or its loader, obeys."""
    return {name: environment[name] for name in environment if name.startswith(("PYTHON", "LD_"))}


def _serve(orders: socket.socket) -> None:
    """Fork what is asked for, until nobody can ask any more."""
    keepers: set[int] = set()
    while True:
        message, fds, _, _ = socket.recv_fds(orders, _MAX_ORDER_BYTES, 3)
        if not message:
            return
        keepers -= {pid for pid in keepers if os.waitpid(pid, os.WNOHANG)[0]}
        pid = os.fork()
        if not pid:
            orders.detach()
            _keep(json.loads(message), *fds)
        keepers.add(pid)
        for fd in fds:
            os.close(fd)


def _keep(order: dict[str, Any], answers: int, stdout: int, stderr: int) -> None:
    """Fork a program and tell its number, and how it ends."""
    pid = os.fork()
    if not pid:
        _become(order, stdout, stderr)
    for fd in (stdout, stderr):
        os.close(fd)
    try:
        os.write(answers, str(pid).encode())
        _, status = os.waitpid(pid, 0)
        os.write(answers, str(os.waitstatus_to_exitcode(status)).encode())
    finally:
        os._exit(0)


def _become(order: dict[str, Any], stdout: int, stderr: int) -> None:
    """Run a program as its interpreter would, and end as it does."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for taken, fd in ((nothing, 0), (stdout, 1), (stderr, 2)):
        os.dup2(taken, fd)
    os.closerange(3, _MAX_FDS)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["place"])
    first, *rest = order["arguments"]
    if first == "-m":
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.argv = ["-c", *rest[1:]]
        sys.modules["__main__"] = types.ModuleType("__main__")
        exec(rest[0], vars(sys.modules["__main__"]))
    else:
        sys.argv = [first, *rest]
        runpy.run_path(first, run_name="__main__")
    sys.exit()


if __name__ == "__main__":
    for name in _CODE:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as said:
        _serve(said)
