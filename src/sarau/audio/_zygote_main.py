"""The fork server itself: imports once, then forks a locked child per job."""

import ctypes
import gc
import json
import os
import select
import signal
import socket
import sys
from typing import Any, Final, NoReturn

_MAX_FDS: Final = 16
MAX_MESSAGE_BYTES: Final = 128 * 1024
"""What one message may hold, in either direction."""


def main(control_fd: int) -> None:
    """Serve jobs from the control socket until its other end closes."""
    control = socket.socket(fileno=control_fd)
    try:
        greeting = _prepare()
    except Exception as error:  # noqa: BLE001 - whatever is missing is the greeting
        control.send(json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
        sys.exit(1)
    try:
        control.send(json.dumps(greeting).encode())
        _Server(control).run()
    except (BrokenPipeError, ConnectionResetError):
        sys.exit(0)


def _prepare() -> dict[str, Any]:
    """Import and run everything once, so that a locked child opens no file of ours."""
    from sarau.audio import _libraries  # noqa: PLC0415

    # Everything below imports PyAV, and LAME has to be there before it.
    _libraries.load_libraries()
    from sarau.audio import _child, _landlock, _seccomp, _warm  # noqa: PLC0415

    _child.load_operations()
    _warm.warm()
    gc.collect()
    gc.freeze()
    # What warming up has freed would be memory that no limit counts.
    ctypes.CDLL(None).malloc_trim(0)
    return {
        "versions": _libraries.all_versions(),
        "lame_source": _libraries.lame_source(),
        "slow_lame": _libraries.has_slow_lame(),
        "landlock_abi": _landlock.landlock_abi(),
        "seccomp": _seccomp.is_known_machine(),
    }


class _Server:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._children: dict[int, tuple[int, socket.socket]] = {}
        """By pid descriptor: the pid, and where to report its end."""

    def run(self) -> None:
        while True:
            for fd, _ in self._poll.poll():
                if fd != self._control.fileno():
                    self._reap(fd)
                elif not self._accept():
                    self._kill_all()
                    return

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
        try:
            self._start(lifecycle, data, fds[1:])
        except OSError:
            _tell_end(lifecycle, 1)
        finally:
            _close(fds[1:])
        return True

    def _start(self, lifecycle: socket.socket, data: bytes, fds: list[int]) -> None:
        pid = os.fork()
        if pid == 0:
            self._become_child(data, fds[0], fds[1:])
        try:
            pid_fd = os.pidfd_open(pid)
        except OSError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        self._children[pid_fd] = (pid, lifecycle)
        self._poll.register(pid_fd, select.POLLIN)
        _send(lifecycle, {"started": pid}, [pid_fd])

    def _become_child(self, data: bytes, results_fd: int, fds: list[int]) -> NoReturn:
        from sarau.audio import _child  # noqa: PLC0415 - imported by _prepare

        status = 1
        try:
            status = _child.run(json.loads(data), results_fd, fds, zygote_pid=os.getppid())
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
