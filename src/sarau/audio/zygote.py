"""The fork server as its user sees it: start it, give it jobs, watch and kill them.

A zygote is a fresh interpreter that imports the decoders once and then forks a child
per job. It has no threads, no secrets and an empty environment; its end of the control
socket closing, for whatever reason, is its order to kill everything and leave.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess  # noqa: TID251 - this is the module that starts processes
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sarau.audio._zygote_main import MAX_MESSAGE_BYTES
from sarau.errors import FailedCode, FailedError

_ENVIRONMENT: Final = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "PYTHONDONTWRITEBYTECODE": "1",
    "LC_ALL": "C.UTF-8",
}
_START_TIMEOUT_S: Final = 60.0
_STOP_TIMEOUT_S: Final = 5.0
_MAX_RESULT_BYTES: Final = 64 << 20
_BOOT: Final = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[2]);"
    "from sarau.audio._zygote_main import main; main(int(sys.argv[1]))"
)


@dataclass(frozen=True, slots=True)
class Exit:
    """How a child ended: its exit code, or minus the signal that killed it."""

    status: int
    cpu_s: float = 0.0
    max_rss_bytes: int = 0


class Job:
    """One child at work, as seen from the thread that asked for it."""

    def __init__(self, results_fd: int, lifecycle: socket.socket) -> None:
        self._results_fd = results_fd
        self._lifecycle = lifecycle
        self._pid_fd: int | None = None
        self._buffer = bytearray()
        self._received_bytes = 0
        self._results_open = True
        self.ended: Exit | None = None

    def messages(self, timeout_s: float) -> Iterator[dict[str, Any] | Exit | None]:
        """Yield what the child says, None after each silent `timeout_s`, at last its exit.

        Raises:
            FailedError: `engine_crashed`, when the zygote is gone or talks nonsense.

        """
        poll = select.poll()
        poll.register(self._results_fd, select.POLLIN)
        poll.register(self._lifecycle, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll(timeout_s * 1000)}
            if not ready:
                yield None
            if self._results_fd in ready:
                yield from self._read_results()
                if not self._results_open:
                    poll.unregister(self._results_fd)
            elif self._lifecycle.fileno() in ready:
                # Looked at only when the pipe is empty: a child's last words precede its end.
                ended = self._read_lifecycle()
                if ended is not None:
                    yield ended
                    return

    def _read_results(self) -> Iterator[dict[str, Any]]:
        chunk = os.read(self._results_fd, 1 << 16)
        self._results_open = bool(chunk)
        self._received_bytes += len(chunk)
        if self._received_bytes > _MAX_RESULT_BYTES:
            raise FailedError(FailedCode.ENGINE_CRASHED, "a child said too much")
        self._buffer += chunk
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            yield _parse(line)

    def _read_lifecycle(self) -> Exit | None:
        data, fds, _, _ = socket.recv_fds(self._lifecycle, MAX_MESSAGE_BYTES, 1)
        if not data:
            raise FailedError(FailedCode.ENGINE_CRASHED, "the zygote is gone")
        if fds:
            self._pid_fd = fds[0]
        message = _parse(data)
        if "exited" not in message:
            return None
        self.ended = Exit(
            int(message["exited"]), float(message["cpu_s"]), int(message["max_rss_bytes"])
        )
        return self.ended

    def kill(self) -> None:
        """Kill the child and wait until it is gone."""
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        killed = False
        with contextlib.suppress(FailedError, OSError):
            for message in self.messages(0.05):
                if self._pid_fd is not None and not killed:
                    signal.pidfd_send_signal(self._pid_fd, signal.SIGKILL)
                    killed = True
                if isinstance(message, Exit) or time.monotonic() > deadline:
                    return

    def close(self) -> None:
        """Let go of the descriptors."""
        os.close(self._results_fd)
        self._lifecycle.close()
        if self._pid_fd is not None:
            os.close(self._pid_fd)


class Zygote:
    """A running fork server. Any number of threads may start jobs."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
                [
                    sys.executable,
                    "-IS",
                    "-c",
                    _BOOT,
                    str(theirs.fileno()),
                    json.dumps([path for path in sys.path if path]),
                ],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=_ENVIRONMENT,
                start_new_session=True,
                cwd="/",
            )
        self._control = ours
        self._greeting: dict[str, Any] | None = None
        self._broken = False

    @property
    def pid(self) -> int:
        """The process id, for tests and logs."""
        return self._process.pid

    def wait_until_ready(self) -> dict[str, Any]:
        """Return the zygote's greeting: its versions and what it can lock.

        Raises:
            FailedError: `engine_missing`, when its libraries cannot be loaded.

        """
        if self._greeting is None:
            self._control.settimeout(_START_TIMEOUT_S)
            try:
                data = self._control.recv(MAX_MESSAGE_BYTES)
            except OSError as error:
                raise FailedError(FailedCode.ENGINE_MISSING, f"no zygote: {error}") from error
            if not data:
                raise FailedError(FailedCode.ENGINE_MISSING, "the zygote did not start")
            greeting = _parse(data)
            if "error" in greeting:
                raise FailedError(FailedCode.ENGINE_MISSING, str(greeting["error"]))
            self._greeting = greeting
        return self._greeting

    def is_alive(self) -> bool:
        """Tell whether it can still take jobs."""
        return not self._broken and self._process.poll() is None

    def start(self, job: dict[str, Any], fds: Sequence[int]) -> Job:
        """Fork a child for `job`, which gets copies of `fds`.

        Raises:
            FailedError: `engine_crashed`, when the zygote is gone.

        """
        payload = json.dumps(job).encode()
        if len(payload) > MAX_MESSAGE_BYTES:
            raise FailedError(FailedCode.INTERNAL, "a job is too large to describe")
        results, child_results = os.pipe2(os.O_CLOEXEC)
        lifecycle, child_lifecycle = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            sent = [child_lifecycle.fileno(), child_results, *fds]
            socket.send_fds(self._control, [payload], sent)
        except OSError as error:
            self._broken = True
            os.close(results)
            lifecycle.close()
            raise FailedError(FailedCode.ENGINE_CRASHED, f"the zygote is gone: {error}") from error
        finally:
            os.close(child_results)
            child_lifecycle.close()
        return Job(results, lifecycle)

    def close(self) -> None:
        """Kill all its children and end it."""
        self._control.close()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _parse(line: bytes) -> dict[str, Any]:
    """Read one message, which may have been written by a taken-over child."""
    try:
        message = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise FailedError(FailedCode.ENGINE_CRASHED, f"not a message: {error}") from error
    if not isinstance(message, dict):
        raise FailedError(FailedCode.ENGINE_CRASHED, "not a message")
    return message


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")
