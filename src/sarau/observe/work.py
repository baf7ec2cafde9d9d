"""Timing and telling what the pipeline and the engine do."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sarau.errors import CancelledRunError, FailedError, SarauError
from sarau.observe import figures, traces
from sarau.observe.context import bind
from sarau.observe.logs import Stopwatch, say

_logger = logging.getLogger("sarau.work")


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Time a stage of a run, and say what came of it; what is raised goes on."""
    watch = Stopwatch()
    outcome, code, detail = "done", None, None
    with (
        bind(stage=name),
        figures.stages_active.labels(name).track_inprogress(),
        traces.span(f"stage {name}") as span,
    ):
        try:
            yield
        except CancelledRunError:
            outcome = "cancelled"
            raise
        except SarauError as error:
            outcome = "failed" if isinstance(error, FailedError) else "rejected"
            code, detail = str(error.code), error.detail
            raise
        except BaseException as error:
            outcome, code, detail = "failed", "internal", type(error).__name__
            raise
        finally:
            figures.stages.labels(name, outcome).observe(watch.duration_s)
            if code is not None:
                figures.stage_codes.labels(name, code).inc()
            level = logging.WARNING if outcome == "failed" else logging.INFO
            duration_s = round(watch.duration_s, 3)
            told = {"outcome": outcome, "code": code, "detail": detail, "duration_s": duration_s}
            say(_logger, "stage", level=level, **told)
            span.note({"sarau.outcome": outcome, "sarau.code": code})
            if outcome == "failed":
                span.fail(code)


def child_ended(
    operation: str, *, duration_s: float, cpu_s: float, max_rss_bytes: int, code: str | None
) -> None:
    """Count a child of the engine, and say what it cost."""
    figures.children.labels(operation).observe(duration_s)
    figures.child_cpu.labels(operation).inc(cpu_s)
    if max_rss_bytes:
        figures.child_memory.labels(operation).observe(max_rss_bytes)
    if code is not None:
        figures.child_codes.labels(operation, code).inc()
    traces.ended(
        f"engine {operation}",
        duration_s,
        {"sarau.code": code, "sarau.cpu_s": cpu_s, "sarau.max_rss_bytes": max_rss_bytes},
    )
    say(
        _logger,
        "engine child",
        operation=operation,
        code=code,
        duration_s=round(duration_s, 3),
        cpu_s=round(cpu_s, 3),
        max_rss_bytes=max_rss_bytes,
    )
