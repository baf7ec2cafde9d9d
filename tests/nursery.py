"""Programs of ours that start in a moment: forked from a process that has read the code already.

Each is what `python -m sarau ...` is, in a process of its own that can be killed. Reading three
seconds' worth of Python modules anew for each is not what tests of servers are about. Their
engines are forked from one that is ready.
"""

import gc
import importlib
import json
import locale
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from sarau.audio import _zygote_main, zygote
from sarau.cli.main import _COMMANDS

_ROOT = Path(__file__).parent.parent
_CODE = (
    "sarau.web.server",
    *_COMMANDS.values(),
    # What these read once they run.
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "sarau.cli.batch",
    "sarau.cli.likeness",
    "sarau.cli.progress",
    "sarau.cli.report_text",
    "sarau.cli.tables",
)
_MAX_ORDER_BYTES = 1 << 17
_MAX_FDS = 256
_ENGINES_FD = _MAX_FDS
"""Where each program asks for an engine."""


class Forked:
    """One program: what tests use of `subprocess.Popen`."""

    def __init__(self, answers: socket.socket) -> None:
        self._answers = answers
        self._at_end = threading.Lock()
        self.pid = self._next_answer()
        self.returncode: int | None = None

    def _next_answer(self) -> int:
        return int(self._answers.recv(64))

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once the process is gone: minus the signal that ended it."""
        with self._at_end:
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


def _order(orders: socket.socket, order: dict[str, Any], fds: Sequence[int]) -> Forked:
    """Have a process forked that gets `fds`."""
    answers, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        socket.send_fds(orders, [json.dumps(order).encode()], [theirs.fileno(), *fds])
    return Forked(answers)


class _Nursery:
    """The process that programs are forked from."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.nursery", "programs", str(theirs.fileno())],
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                # No thread of a library is there to be lost in a fork.
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )

    def fork(
        self, arguments: Sequence[str], environment: Mapping[str, str], place: Path, fds: Any
    ) -> Forked:
        order = {"arguments": arguments, "environment": dict(environment), "place": str(place)}
        return _order(self._orders, order, fds)

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
    place: Path | None = None,
    stdout: IO[Any] | int | None = None,
    stderr: IO[Any] | int | None = None,
) -> "Forked | subprocess.Popen[bytes]":
    """Start Python with `arguments`; what it says goes to files or descriptors, or where ours does.

    It is forked where a nursery is open and an interpreter of its own would be no different.
    """
    wanted = dict(os.environ if environment is None else environment)
    if not _open or _read_by_python(wanted) != _read_by_python(os.environ):
        command = [sys.executable, *arguments]
        return subprocess.Popen(command, env=wanted, cwd=place, stdout=stdout, stderr=stderr)
    nursery = _open[-1]
    if nursery is None:
        nursery = _open[-1] = _Nursery()
    files = (1 if stdout is None else stdout, 2 if stderr is None else stderr)
    fds = [one if isinstance(one, int) else one.fileno() for one in files]
    return nursery.fork(list(arguments), wanted, place or Path.cwd(), fds)


def run(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    place: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Start Python with `arguments` and return how it ended and what it said, all of it UTF-8."""
    with TemporaryFile() as stdout, TemporaryFile() as stderr:
        process = start(
            arguments, environment=environment, place=place, stdout=stdout, stderr=stderr
        )
        code = process.wait()
        said = [_read(stdout), _read(stderr)]
    return subprocess.CompletedProcess(list(arguments), code, *said)


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def _read_by_python(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what only a fresh interpreter, or its loader, obeys."""
    return {name: environment[name] for name in environment if name.startswith(("PYTHON", "LD_"))}


def _serve(orders: socket.socket, become: Callable[..., None]) -> None:
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
            _keep(become, json.loads(message), *fds)
        keepers.add(pid)
        for fd in fds:
            os.close(fd)


def _keep(become: Callable[..., None], order: dict[str, Any], answers: int, *fds: int) -> None:
    """Fork a process and tell its number, and how it ends."""
    pid = os.fork()
    if not pid:
        become(order, *fds)
        sys.exit()
    for fd in fds:
        os.close(fd)
    try:
        os.write(answers, str(pid).encode())
        _, status = os.waitpid(pid, 0)
        os.write(answers, str(os.waitstatus_to_exitcode(status)).encode())
    finally:
        os._exit(0)


def _become_program(order: dict[str, Any], stdout: int, stderr: int) -> None:
    """Run a program as its interpreter would, and end as it does."""
    _take(stdout, stderr)
    os.environ.clear()
    os.environ.update(order["environment"])
    with suppress(locale.Error):
        locale.setlocale(locale.LC_CTYPE, "")
    os.chdir(order["place"])
    zygote.subprocess = types.SimpleNamespace(  # type: ignore[assignment] # what it uses of it
        Popen=_fork_engine,
        DEVNULL=subprocess.DEVNULL,
        TimeoutExpired=subprocess.TimeoutExpired,
    )
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


def _take(stdout: int, stderr: int, *kept: int) -> None:
    """Have the standard streams and `kept` open, and nothing else but the way to engines."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for wanted, fd in ((0, nothing), (1, stdout), (2, stderr)):
        os.dup2(fd, wanted)
    for fd in set(range(3, _MAX_FDS)) - set(kept):
        with suppress(OSError):
            os.close(fd)


def _fork_engine(_command: Sequence[str], *, pass_fds: Sequence[int], **_: Any) -> Forked:
    """Be `Popen` to whoever starts an engine."""
    with socket.fromfd(_ENGINES_FD, socket.AF_UNIX, socket.SOCK_SEQPACKET) as orders:
        return _order(orders, {}, [*pass_fds, 2])


def _become_engine(
    greeting: dict[str, Any], _order: dict[str, Any], control: int, stderr: int
) -> None:
    """Go on where an engine has read its code."""
    os.setsid()
    _take(1, stderr, control)
    with socket.socket(fileno=control) as served, suppress(BrokenPipeError, ConnectionResetError):
        served.send(json.dumps(greeting).encode())
        _zygote_main._Server(served, _do_nothing).run()


def _do_nothing() -> None:
    """Get the rest of an engine's code, all of which is there."""


@contextmanager
def _engines() -> Iterator[None]:
    """Let programs fork engines from one that has read its code, until the last of them ends."""
    orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with orders, theirs:
        os.dup2(orders.fileno(), _ENGINES_FD, inheritable=False)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery", "engines", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env=zygote._ENVIRONMENT,
        )
    yield
    os.close(_ENGINES_FD)
    process.wait()


def _main(role: str, fd: int) -> None:
    with socket.socket(fileno=fd) as said:
        if role == "engines":
            greeting, analysis = _zygote_main._prepare()
            _zygote_main._prepare_all(analysis)
            os.chdir("/")
            _serve(said, partial(_become_engine, greeting))
            return
        with _engines():
            for name in _CODE:
                importlib.import_module(name)
            gc.collect()
            gc.freeze()
            _serve(said, _become_program)


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
