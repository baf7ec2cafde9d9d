"""Measuring an encoded file: decoded again, by the same meter that measured the source."""

from collections.abc import Callable
from typing import Any

from sarau.audio._decode import Canonical, Source
from sarau.audio._meter import Meter
from sarau.audio._plain import Plain, from_plain, to_plain
from sarau.audio._reporter import Reporter
from sarau.audio._tasks import Measured
from sarau.audio._types import Limits


def run(job: dict[str, Any], inputs: list[int], reporter: Reporter) -> Plain:
    """Measure the first input; the operation of a child."""
    limits = from_plain(Limits, job["limits"])
    source = Source(inputs[0], limits, reporter.worked)
    return to_plain(measure(source, reporter.progress, tenths=job.get("tenths") is True))


def measure(source: Source, part: Callable[[float], None], *, tenths: bool = False) -> Measured:
    """Decode all of `source` and measure it; with `tenths` for the loudness of an album."""
    canonical = Canonical(source)
    meter = Meter(canonical.rate_hz, canonical.layout)
    expected = source.expected_samples or 0
    for frame in source.frames():
        for piece in canonical.push(frame):
            meter.push(piece)
        part(source.samples / expected if expected else 0.0)
    for piece in canonical.push(None):
        meter.push(piece)
    meter.push(None)
    return Measured(
        loudness=meter.result(),
        samples=source.samples,
        channel_layout=source.layout,
        tenths=meter.tenths() if tenths else b"",
    )
