"""Traces, by OpenTelemetry: one leads from a request to every rendition that comes of it.

Nothing of OpenTelemetry is imported here before `start`: it comes with the extra `otel`. The
engine of durable runs makes the spans of runs and steps itself, and keeps with a run what it
belongs to; so a trace goes on in whichever process works on the run.
"""

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sarau import __version__
from sarau.observe.context import bound

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as OtelSpan
    from opentelemetry.trace import SpanKind

_LAST_WORDS_MS = 3_000
"""How long the end of a process waits for whoever takes its traces."""
_provider: "TracerProvider | None" = None

Value = str | int | float | None
"""Of an attribute; None leaves it out."""


class Span:
    """What something took and how it ended, or nothing where there are no traces."""

    def __init__(self, span: "OtelSpan | None" = None) -> None:
        self._span = span

    def note(self, attributes: Mapping[str, Value]) -> None:
        """Say more about it."""
        if self._span is not None:
            self._span.set_attributes({k: v for k, v in attributes.items() if v is not None})

    def fail(self, why: str | None) -> None:
        """Say that it did not come off."""
        if self._span is not None:
            from opentelemetry.trace import StatusCode  # noqa: PLC0415 - see above

            self._span.set_status(StatusCode.ERROR, why)

    @property
    def traceparent(self) -> str | None:
        """Return the span as W3C Trace Context names it."""
        if self._span is None:
            return None
        found = self._span.get_span_context()
        return f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"


@dataclass(frozen=True, slots=True)
class Past:
    """What somebody did who sends no spans, and tells it afterwards."""

    name: str
    began_at: float
    """In seconds since 1970."""
    duration_s: float
    attributes: Mapping[str, Value]
    parts: tuple["Past", ...] = ()
    failure: str | None = None
    """Why it did not come off."""


def start() -> None:
    """Send spans from now on, by OTLP over HTTP, as OpenTelemetry's own variables say.

    Raises:
        ImportError: The extra `otel` is not installed.

    """
    from opentelemetry import trace  # noqa: PLC0415 - see above
    from opentelemetry._logs import NoOpLoggerProvider, set_logger_provider  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    global _provider  # noqa: PLW0603 - OpenTelemetry's own is one for the process, too
    process = {
        "service.name": "sarau",
        "service.version": __version__,
        "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
    }
    told = OTELResourceDetector().detect().attributes
    _provider = TracerProvider(resource=Resource.create({**process, **told}))
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(_provider)
    # The engine of durable runs would warn that its log goes nowhere: ours has it.
    set_logger_provider(NoOpLoggerProvider())


def stop() -> None:
    """Send what has ended; to be called where a process ends at once."""
    if _provider is not None:
        _provider.force_flush(_LAST_WORDS_MS)


def are_on() -> bool:
    """Tell whether spans are sent."""
    return _provider is not None


def current() -> "Context | None":
    """Return what is traced in this thread now, for whoever goes on with it elsewhere."""
    if _provider is None:
        return None
    from opentelemetry import context, trace  # noqa: PLC0415 - see above

    return context.get_current() if trace.get_current_span().get_span_context().is_valid else None


@contextmanager
def span(name: str, attributes: Mapping[str, Value] | None = None) -> Iterator[Span]:
    """Trace the block as a part of what is traced around it."""
    if _provider is None:
        yield Span()
        return
    with _opened(name) as found:
        found.note({**_bound(), **(attributes or {})})
        yield found


@contextmanager
def request(name: str, traceparent: str | None, attributes: Mapping[str, Value]) -> Iterator[Span]:
    """Trace the answering of a request, as a part of what its sender traces."""
    if _provider is None:
        yield Span()
        return
    from opentelemetry.trace import SpanKind  # noqa: PLC0415 - see above

    with _opened(name, _context(traceparent), SpanKind.SERVER) as found:
        found.note(attributes)
        yield found


@contextmanager
def _opened(
    name: str, parent: "Context | None" = None, kind: "SpanKind | None" = None
) -> Iterator[Span]:
    from opentelemetry import trace  # noqa: PLC0415 - see above

    with trace.get_tracer("sarau").start_as_current_span(
        name,
        parent,
        kind or trace.SpanKind.INTERNAL,
        # What is raised here is how steps end; whoever knows what it means says so.
        record_exception=False,
        set_status_on_exception=False,
    ) as found:
        yield Span(found)


def ended(name: str, duration_s: float, attributes: Mapping[str, Value]) -> None:
    """Trace what took `duration_s` and has just ended."""
    if _provider is None:
        return
    from opentelemetry import trace  # noqa: PLC0415 - see above

    at = time.time_ns()
    found = trace.get_tracer("sarau").start_span(name, start_time=at - int(duration_s * 1e9))
    Span(found).note({**_bound(), **attributes})
    found.end(at)


def tell(past: Past, traceparent: str) -> None:
    """Trace what is past, as a part of what `traceparent` names."""
    if _provider is not None:
        _tell(past, _context(traceparent))


def _tell(past: Past, parent: "Context") -> None:
    from opentelemetry import trace  # noqa: PLC0415 - see above

    began_ns = round(past.began_at * 1e6) * 1000  # a float of today has no nanoseconds
    found = trace.get_tracer("sarau").start_span(past.name, parent, start_time=began_ns)
    Span(found).note(past.attributes)
    if past.failure is not None:
        Span(found).fail(past.failure)
    for part in past.parts:
        _tell(part, trace.set_span_in_context(found, parent))
    found.end(began_ns + round(past.duration_s * 1e9))


def _context(traceparent: str | None) -> "Context":
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - see above
        TraceContextTextMapPropagator,
    )

    carrier = {"traceparent": traceparent} if traceparent else {}
    return TraceContextTextMapPropagator().extract(carrier)


def _bound() -> dict[str, str]:
    return {f"sarau.{name}": value for name, value in bound().items()}
