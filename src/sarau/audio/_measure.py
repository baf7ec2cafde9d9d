"""Measuring a rendition: decoded again, by the same meter that measured the source."""

from collections.abc import Callable
from typing import Any

from sarau.audio._meter import Meter
from sarau.audio._plain import Plain, to_plain
from sarau.audio._playback import Playback
from sarau.audio._reporter import Reporter
from sarau.audio._tasks import Measured
from sarau.errors import FailedCode, FailedError, RejectedError


def run(job: dict[str, Any], inputs: list[int], reporter: Reporter) -> Plain:
    """Measure the inputs, one after the other; the operation of a child.

    Raises:
        FailedError: `internal`, when one cannot be read: it is ours.

    """
    measured = []
    try:
        for index, fd in enumerate(inputs):
            reporter.part(index / len(inputs), (index + 1) / len(inputs))
            measured.append(measure(fd, reporter.progress, tenths=job.get("tenths") is True))
    except RejectedError as error:
        raise FailedError(FailedCode.INTERNAL, f"a rendition is {error}") from error
    return to_plain(measured)


def measure(fd: int, part: Callable[[float], None], *, tenths: bool = False) -> Measured:
    """Decode all of a rendition and measure it; with `tenths` for the loudness of an album."""
    playback = Playback(fd)
    meter = Meter(playback.rate_hz, playback.layout)
    expected = playback.duration_s * playback.rate_hz
    samples = 0
    for frame in playback.frames():
        samples += frame.samples
        meter.push(frame)
        part(samples / expected if expected else 0.0)
    meter.push(None)
    return Measured(
        loudness=meter.result(),
        samples=samples,
        channel_layout=playback.layout,
        tenths=meter.tenths() if tenths else b"",
    )
