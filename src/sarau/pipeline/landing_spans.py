"""The trace of a landing, sent by whoever takes its report: the function cannot send it."""

from collections.abc import Mapping

from sarau.model.landing import Report
from sarau.model.landing_trace import StageTime
from sarau.model.lifecycle import TrackState
from sarau.model.track import Track
from sarau.observe import traces


def tell(report: Report, track: Track) -> None:
    """Trace the function's work on what has become a track, with the times that it had."""
    if report.trace is None:
        return
    belongs = {
        "sarau.landing_id": report.landing.id,
        "sarau.request_id": report.maker.request_id,
        "sarau.track_id": track.id,
    }
    told = {
        "sarau.function": report.maker.name,
        "sarau.preset": report.preset,
        "sarau.outcome": str(track.state),
        "sarau.code": track.code,
    }
    stages = tuple(_past(f"stage {one.name}", one, belongs) for one in report.trace.stages)
    failure = track.code if track.state is TrackState.FAILED else None
    work = _past("landing", report.trace.work, {**belongs, **told}, stages, failure)
    traces.tell(work, report.trace.traceparent)


def _past(
    name: str,
    time: StageTime,
    attributes: Mapping[str, str | None],
    parts: tuple[traces.Past, ...] = (),
    failure: str | None = None,
) -> traces.Past:
    return traces.Past(name, time.began_at, time.duration_s, attributes, parts, failure)
