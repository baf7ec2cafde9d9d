"""Watching over one child: progress, limits, and what its end means."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sarau.audio._plain import Plain
from sarau.audio._types import ChildReport, Limits, ProgressCallback
from sarau.audio.zygote import Exit, Job
from sarau.errors import (
    CancelledRunError,
    FailedCode,
    FailedError,
    RejectedCode,
    RejectedError,
    SarauError,
)

_HEARTBEAT_S: Final = 0.4

# Signals that a decoder brings upon itself.
_CRASHES: Final = {
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGABRT,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGTRAP,
    signal.SIGSYS,
}


def ignore(told: object) -> None:
    """Stand in for a callback."""


@contextmanager
def reported(job: Job, operation: str, on_child: Callable[[ChildReport], None]) -> Iterator[None]:
    """Call `on_child` when the block ends, with what the child cost and how it ended."""
    started_at = time.monotonic()
    code: str | None = None
    try:
        yield
    except SarauError as error:
        code = str(error.code)
        raise
    except CancelledRunError:
        code = "cancelled"
        raise
    except BaseException:
        code = str(FailedCode.INTERNAL)
        raise
    finally:
        ended = job.ended or Exit(0)
        duration_s = time.monotonic() - started_at
        on_child(ChildReport(operation, duration_s, ended.cpu_s, ended.max_rss_bytes, code))


def supervise(job: Job, limits: Limits, on_progress: ProgressCallback) -> Plain:
    """Wait for a child and return its result; it is gone when this returns or raises.

    Raises:
        RejectedError: what the child found, `decode_timeout`, `decoder_crashed`.
        FailedError: what went wrong on our side, `engine_crashed`.

    """
    try:
        return _Watch(limits, on_progress).wait(job)
    except BaseException:
        job.kill()
        raise
    finally:
        job.close()


class _Watch:
    def __init__(self, limits: Limits, on_progress: ProgressCallback) -> None:
        self._limits = limits
        self._on_progress = on_progress
        self._fraction = 0.0
        self._started_at = self._heard_at = self._told_at = time.monotonic()
        self._answer: dict[str, Any] | None = None

    def wait(self, job: Job) -> Plain:
        for message in job.messages(_HEARTBEAT_S):
            now = time.monotonic()
            if isinstance(message, Exit):
                return self._conclude(message)
            if message is None:
                self._check_clock(now)
            elif "progress" in message:
                self._heard_at = now
                self._fraction = max(self._fraction, min(1.0, float(message["progress"])))
            else:
                self._answer = message
            if message is None or now - self._told_at >= _HEARTBEAT_S or "progress" in message:
                self._told_at = now
                self._on_progress(self._fraction)
                self._check_clock(now)
        raise FailedError(FailedCode.ENGINE_CRASHED, "a child has no end")

    def _check_clock(self, now: float) -> None:
        if now - self._started_at > self._limits.max_wall_s:
            detail = f"not done after {self._limits.max_wall_s:g} s"
            raise RejectedError(RejectedCode.DECODE_TIMEOUT, detail)
        if now - self._heard_at > self._limits.max_idle_wall_s:
            detail = f"no progress for {self._limits.max_idle_wall_s:g} s, and no use of the CPU"
            raise FailedError(FailedCode.ENGINE_CRASHED, detail)

    def _conclude(self, ended: Exit) -> Plain:
        if ended.status == -signal.SIGXCPU:
            detail = f"no progress in {self._limits.max_idle_cpu_s} s of CPU time"
            raise RejectedError(RejectedCode.DECODE_TIMEOUT, detail)
        if -ended.status in _CRASHES:
            name = signal.Signals(-ended.status).name
            raise RejectedError(RejectedCode.DECODER_CRASHED, f"the decoder died of {name}")
        answer = self._answer
        if ended.status != 0 or answer is None:
            raise FailedError(FailedCode.ENGINE_CRASHED, f"a child ended with {ended.status}")
        if "result" in answer:
            return answer["result"]
        detail = str(answer.get("detail", ""))
        try:
            if "rejected" in answer:
                raise RejectedError(RejectedCode(answer["rejected"]), detail)
            raise FailedError(FailedCode(answer.get("failed", "")), detail)
        except ValueError as error:
            raise FailedError(FailedCode.ENGINE_CRASHED, "a child talks nonsense") from error
