"""Measuring encoded files: decoded again, by the same meter that measured the source."""

from typing import Any

from sarau.audio._decode import Canonical, Source
from sarau.audio._meter import Meter
from sarau.audio._plain import Plain, from_plain, to_plain
from sarau.audio._reporter import Reporter
from sarau.audio._tasks import Measured
from sarau.audio._types import Limits


def run(job: dict[str, Any], inputs: list[int], reporter: Reporter) -> Plain:
    """Measure all inputs; the operation of a child."""
    limits = from_plain(Limits, job["limits"])
    results = []
    for number, fd in enumerate(inputs):
        reporter.part(number / len(inputs), (number + 1) / len(inputs))
        results.append(to_plain(_measure(Source(fd, limits), reporter)))
    return results


def _measure(source: Source, reporter: Reporter) -> Measured:
    canonical = Canonical(source)
    meter = Meter(canonical.rate_hz, canonical.layout)
    expected = source.expected_samples or 0
    for frame in source.frames():
        for piece in canonical.push(frame):
            meter.push(piece)
        reporter.progress(source.samples / expected if expected else 0.0)
    for piece in canonical.push(None):
        meter.push(piece)
    meter.push(None)
    return Measured(loudness=meter.result(), samples=source.samples)
