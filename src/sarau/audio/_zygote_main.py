"""The fork server itself: imports once, then forks a locked child per job.

To decode takes half of what there is to import. So it takes jobs when it has that, and gets the
rest when something else is asked for, or while its first children are at work.
"""

import ctypes
import gc
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from sarau.audio._types import Analysis

_FIRST: Final = "analyse"
"""What every file begins with."""
_IDLE_MS: Final = 100
"""A child that is at work for longer gives time to get the rest."""
_MAX_FDS: Final = 16
MAX_MESSAGE_BYTES: Final = 128 * 1024
"""What one message may hold, in either direction."""


def main(control_fd: int) -> None:
    """Serve jobs from the control socket until its other end closes."""
    control = socket.socket(fileno=control_fd)
    try:
        greeting, buzz = _prepare()
    except Exception as error:  # noqa: BLE001 - whatever is missing is the greeting
        control.send(json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
        sys.exit(1)
    try:
        control.send(json.dumps(greeting).encode())
        _Server(control, partial(_prepare_all, buzz)).run()
    except (BrokenPipeError, ConnectionResetError):
        pass
    # There is nothing to finish, and somebody waits for the end.
    os._exit(0)


def _prepare() -> "tuple[dict[str, Any], Analysis]":
    """Import and run what analysing needs, so that a locked child opens no file of ours."""
    gc.disable()
    from sarau.audio import _libraries  # noqa: PLC0415

    # Everything below imports PyAV, and LAME has to be there before it.
    _libraries.load_libraries()
    from sarau.audio import _child, _landlock, _seccomp, _warm  # noqa: PLC0415

    _child.load_analysis()
    buzz = _warm.warm()
    _settle()
    greeting = {
        "versions": _libraries.tool_versions(),
        "lame_source": _libraries.lame_source(),
        "slow_lame": _libraries.has_slow_lame(),
        "landlock_abi": _landlock.landlock_abi(),
        "seccomp": _seccomp.program() is not None,
    }
    return greeting, buzz


def _prepare_all(buzz: "Analysis") -> None:
    """Import the rest, and run it on what was analysed to get ready."""
    from sarau.audio import _child, _warm_all  # noqa: PLC0415 - when it is needed

    _child.load_operations()
    _warm_all.warm_all(buzz)
    gc.collect()
    _settle()


def _settle() -> None:
    # No child has to look for garbage in all this.
    gc.freeze()
    # What warming up has freed would be memory that no limit counts.
    ctypes.CDLL(None).malloc_trim(0)


class _Server:
    """Takes jobs; `get_rest` is called once, before the first job that needs it."""

    def __init__(self, control: socket.socket, get_rest: Callable[[], None]) -> None:
        self._control = control
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._children: dict[int, tuple[int, socket.socket]] = {}
        """By pid descriptor: the pid, and where to report its end."""
        self._get_rest = get_rest
        self._has_rest = False

    def run(self) -> None:
        while True:
            waits = None if self._has_rest or not self._children else _IDLE_MS
            ready = self._poll.poll(waits)
            if not ready:
                self._complete()
            for fd, _ in ready:
                if fd != self._control.fileno():
                    self._reap(fd)
                elif not self._accept():
                    self._kill_all()
                    return

    def _complete(self) -> None:
        if not self._has_rest:
            self._get_rest()
            self._has_rest = True

    def _accept(self) -> bool:
        """Start a child; one that cannot be started ends its own job and no other."""
        data, fds, flags, _ = socket.recv_fds(self._control, MAX_MESSAGE_BYTES, _MAX_FDS)
        if not data:
            return False
        if flags & socket.MSG_CTRUNC:
            # There was no room for all descriptors. The job ends as its sockets close.
            _close(fds)
            return True
        lifecycle = socket.socket(fileno=fds[0])
        job = json.loads(data)
        if job["operation"] != _FIRST:
            self._complete()
        try:
            self._start(lifecycle, job, fds[1:])
        except OSError:
            _tell_end(lifecycle, 1)
        finally:
            _close(fds[1:])
        return True

    def _start(self, lifecycle: socket.socket, job: dict[str, Any], fds: list[int]) -> None:
        pid = os.fork()
        if pid == 0:
            self._become_child(job, fds[0], fds[1:])
        try:
            pid_fd = os.pidfd_open(pid)
        except OSError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        self._children[pid_fd] = (pid, lifecycle)
        self._poll.register(pid_fd, select.POLLIN)
        _send(lifecycle, {"started": pid}, [pid_fd])

    def _become_child(self, job: dict[str, Any], results_fd: int, fds: list[int]) -> NoReturn:
        from sarau.audio import _child  # noqa: PLC0415 - imported by _prepare

        gc.enable()
        status = 1
        try:
            status = _child.run(job, results_fd, fds, zygote_pid=os.getppid())
        finally:
            os._exit(status)

    def _reap(self, pid_fd: int) -> None:
        pid, lifecycle = self._children.pop(pid_fd)
        self._poll.unregister(pid_fd)
        _, status, used = os.wait4(pid, 0)
        os.close(pid_fd)
        _tell_end(
            lifecycle,
            os.waitstatus_to_exitcode(status),
            cpu_s=used.ru_utime + used.ru_stime,
            max_rss_bytes=used.ru_maxrss * 1024,
        )

    def _kill_all(self) -> None:
        for pid_fd in list(self._children):
            signal.pidfd_send_signal(pid_fd, signal.SIGKILL)
            self._reap(pid_fd)


def _close(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)


def _tell_end(
    lifecycle: socket.socket, status: int, *, cpu_s: float = 0.0, max_rss_bytes: int = 0
) -> None:
    _send(lifecycle, {"exited": status, "cpu_s": cpu_s, "max_rss_bytes": max_rss_bytes}, [])
    lifecycle.close()


def _send(lifecycle: socket.socket, message: dict[str, Any], fds: list[int]) -> None:
    try:
        socket.send_fds(lifecycle, [json.dumps(message).encode()], fds)
    except (BrokenPipeError, ConnectionResetError):
        return  # Nobody waits for this child any more.
