"""The life of a child: close, lock, work, tell, end."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sarau.audio import _sandbox
from sarau.audio._plain import Plain
from sarau.audio._reporter import Reporter
from sarau.audio._types import SandboxLevel
from sarau.errors import FailedCode, FailedError, RejectedCode, RejectedError

Operation = Callable[[dict[str, Any], list[int], Reporter], Plain]
"""Takes the job, its open files and a reporter; returns plain values."""

_MAX_DETAIL: Final = 500
_OF_THE_DISK: Final = {
    errno.ENOSPC: FailedCode.DISK_FULL,
    errno.EDQUOT: FailedCode.DISK_FULL,
    errno.EIO: FailedCode.DISK_ERROR,
}
_operations: dict[str, Operation] = {}


def load_analysis() -> None:
    """Import what every file begins with, after the libraries are loaded."""
    from sarau.audio import _analyse  # noqa: PLC0415 - after LAME

    _operations.update(analyse=_analyse.run)


def load_operations() -> None:
    """Import what else children do."""
    from sarau.audio import (  # noqa: PLC0415 - after LAME
        _gain_tags,
        _measure,
        _output_gain,
        _package,
        _render,
        _selftest,
        _vorbis,
    )

    _operations.update(
        render=_render.run,
        measure=_measure.run,
        tag=_gain_tags.run,
        turn_down=_output_gain.run,
        package=_package.run,
        selftest=_selftest.run,
        vorbis=_vorbis.run,
    )


def run(job: dict[str, Any], results_fd: int, fds: list[int], *, zygote_pid: int) -> int:
    """Do one job in this process and return its exit code."""
    _sandbox.die_with_parent(zygote_pid)
    _leave_only(results_fd, *fds)
    limits = job["limits"]
    directory = Path(job["directory"]) if job.get("directory") else None
    if directory is not None:
        os.chdir(directory)
    cage = _sandbox.Cage(
        directory=directory,
        memory_bytes=int(limits["max_memory_bytes"]),
        cpu_s=int(limits["max_cpu_s"]),
        idle_cpu_s=int(limits["max_idle_cpu_s"]),
        file_bytes=int(limits["max_output_bytes"]),
    )
    reporter = Reporter(results_fd, cage.idle_cpu_s)
    level = _sandbox.lock_down(cage)
    if level is not SandboxLevel.FULL and not job["best_effort"]:
        failed = FailedError(FailedCode.ENGINE_MISSING, f"the sandbox is only {level}")
        reporter.send(_describe(failed))
        return 0
    try:
        reporter.send({"result": _operations[job["operation"]](job, fds, reporter)})
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the parent is told
        reporter.send(_describe(error))
    return 0


def _leave_only(*fds: int) -> None:
    """Close every descriptor but these; the standard ones lead nowhere."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    start = 3
    for fd in sorted(fds):
        os.closerange(start, fd)
        start = fd + 1
    os.closerange(start, os.sysconf("SC_OPEN_MAX"))


def _describe(error: Exception) -> dict[str, str]:
    """Say whose fault an exception is."""
    if isinstance(error, RejectedError):
        return {"rejected": str(error.code), "detail": error.detail[:_MAX_DETAIL]}
    if isinstance(error, FailedError):
        return {"failed": str(error.code), "detail": error.detail[:_MAX_DETAIL]}
    detail = f"{type(error).__name__}: {error}"[:_MAX_DETAIL]
    number = getattr(error, "errno", None)
    if isinstance(error, MemoryError) or number == errno.ENOMEM:
        return {"rejected": RejectedCode.DECODE_MEMORY, "detail": detail}
    if number == errno.EFBIG:
        return {"rejected": RejectedCode.TOO_LONG, "detail": f"a rendition is too big: {detail}"}
    code = _OF_THE_DISK.get(number or 0, FailedCode.INTERNAL)
    return {"failed": code, "detail": _where(error, detail)}


def _where(error: Exception, detail: str) -> str:
    """Add the innermost place in our code; the traceback module would open source files."""
    frame = error.__traceback__
    place = ""
    while frame is not None:
        name = frame.tb_frame.f_code.co_filename.rpartition("/")[2]
        place = f" at {name}:{frame.tb_lineno}"
        frame = frame.tb_next
    return json.dumps(detail)[1:-1] + place
