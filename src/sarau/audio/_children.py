"""The children of an engine: its fork server, what each may use, and what it is given."""

import os
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sarau.audio._libraries import package_versions
from sarau.audio._plain import Plain, from_plain, to_plain
from sarau.audio._supervise import ignore, reported, supervise
from sarau.audio._types import ChildReport, Limits, ProgressCallback, SandboxMode
from sarau.audio.zygote import Zygote
from sarau.errors import FailedCode, FailedError, RejectedCode, RejectedError

T = TypeVar("T")


class Children:
    """Has work done by locked children, each forked for it; any number of threads may ask."""

    def __init__(
        self,
        limits: Limits,
        sandbox: SandboxMode,
        on_child: Callable[[ChildReport], None],
        zygote: Zygote,
    ) -> None:
        self._limits = limits
        self._sandbox = sandbox
        self._on_child = on_child
        self._lock = threading.Lock()
        self._zygote: Zygote | None = zygote
        self._closed = False
        self._busy = 0
        """Children at work."""

    def close(self) -> None:
        """Kill what is running and end the zygote."""
        with self._lock:
            self._closed = True
            if self._zygote is not None:
                self._zygote.close()
                self._zygote = None

    def zygote(self) -> Zygote:
        """Return the zygote when it is ready, a new one if the last has died.

        Raises:
            FailedError: `engine_missing`, when it cannot be started.

        """
        with self._lock:
            if self._closed:
                raise FailedError(FailedCode.ENGINE_MISSING, "the engine is closed")
            if self._zygote is None or not self._zygote.is_alive():
                if self._zygote is not None:
                    self._zygote.close()
                self._zygote = Zygote()
            self._zygote.wait_until_ready()
            return self._zygote

    def greeting(self) -> dict[str, Any]:
        """Return what the zygote said when it was ready.

        Raises:
            FailedError: as `zygote`.

        """
        return self.zygote().wait_until_ready()

    def versions(self) -> dict[str, str]:
        """Return what makes and measures renditions, for their evidence.

        Raises:
            FailedError: as `zygote`.

        """
        return read_answer(dict[str, str], self.greeting()["versions"]) | package_versions()

    def free_cores(self) -> int:
        """Return how many cores one more child may take, at least 1: others are busy with some."""
        return max(1, len(os.sched_getaffinity(0)) // (self._busy + 1))

    def run(
        self,
        operation: str,
        inputs: Sequence[Path],
        directory: Path | None = None,
        details: dict[str, Plain] | None = None,
        on_progress: ProgressCallback = ignore,
    ) -> Plain:
        """Have a child do `operation`, and return its result as `read_answer` takes it.

        The child sees nothing but its `inputs`, which it is given open, and `directory`.

        Raises:
            RejectedError: when a file is at fault, with the code that says how.
            FailedError: when we are.

        """
        job = {
            "operation": operation,
            "limits": to_plain(self._limits),
            "directory": str(directory.absolute()) if directory is not None else None,
            "best_effort": self._sandbox is SandboxMode.BEST_EFFORT,
            **(details or {}),
        }
        fds: list[int] = []
        try:
            fds.extend(_open(path) for path in inputs)
            try:
                child = self.zygote().start(job, fds)
            except FailedError:
                # A zygote that died unnoticed took nothing with it; its successor can start.
                child = self.zygote().start(job, fds)
        finally:
            for fd in fds:
                os.close(fd)
        with self._counted(), reported(child, operation, self._on_child):
            return supervise(child, self._limits, on_progress)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1


def read_answer(kind: type[T], data: Plain) -> T:
    """Return what a child said as a `kind`.

    Raises:
        FailedError: `engine_crashed`, when it is none.

    """
    try:
        return from_plain(kind, data)
    except ValueError as error:
        raise FailedError(FailedCode.ENGINE_CRASHED, f"a child talks nonsense: {error}") from error


def _open(path: Path) -> int:
    """Open a regular file for a child.

    Raises:
        FailedError: `source_missing`, `disk_error`.
        RejectedError: `not_audio`, for what is no file.

    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise FailedError(FailedCode.SOURCE_MISSING, str(path)) from error
    except OSError as error:
        raise FailedError(FailedCode.DISK_ERROR, f"{path}: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise RejectedError(RejectedCode.NOT_AUDIO, "this is no file")
    return fd
