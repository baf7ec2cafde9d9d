"""The trace of a landing, which the function only tells and whoever takes its report sends."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contracts.stores import new_bucket, s3_library
from tests.otlp import Collector, collecting

from sarau.catalog import Database, landings
from sarau.landing import Documents
from sarau.model.landing import Landing, LandingId, Maker, Outcome, Report
from sarau.model.landing_trace import StageTime, Trace
from sarau.observe import traces
from sarau.pipeline.landings import Landings

TRACE_ID, CALLER = "5759e988bd862e3fe1be46a994272793", "53995c3f42cd8ad8"
TRACE = Trace(
    f"00-{TRACE_ID}-{CALLER}-01",
    StageTime("landing", 1_800_000_000.0, 12.5),
    (StageTime("fetch", 1_800_000_000.5, 2.0), StageTime("validate", 1_800_000_002.5, 9.75)),
)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A receiver of what this process sends."""
    with collecting() as found:
        for name, value in found.settings.items():
            monkeypatch.setenv(name, value)
        traces.start()
        yield found
        assert traces._provider is not None
        traces._provider.shutdown()
        traces._provider = None


@pytest.mark.aws
def test_a_landing_is_once_in_the_trace_of_its_invocation_with_the_times_that_it_had(
    sqlite_database: Database, aws_url: str, tmp_path: Path, collector: Collector
) -> None:
    library = s3_library(new_bucket(aws_url), tmp_path / "cache")
    documents = Documents(library.bucket)
    taking = Landings(sqlite_database, library, documents, preset="streaming")
    traced = Report(
        landing=Landing("intake", "a.wav", "e", 1, "01"),
        outcome=Outcome.FAILED,
        maker=Maker("function", "invocation", "1", "full"),
        library_id=library.id,
        filename="a.wav",
        preset="streaming",
        duration_s=12.5,
        code="function_limit",
        trace=TRACE,
    )
    of_an_older_function = replace(traced, landing=Landing("intake", "b.wav", "e", 1), trace=None)
    for report in (traced, of_an_older_function):
        documents.write(report)
        for _ in range(2):
            taking.take(report.landing.id)
    traces.stop()
    work, *stages = sorted(collector.spans, key=lambda one: one.began_ns)
    assert (work.name, work.parent_id, work.is_error) == ("landing", CALLER, True)
    assert work.attributes["sarau.code"] == "function_limit"
    assert [(one.name, one.parent_id) for one in stages] == [
        ("stage fetch", work.span_id),
        ("stage validate", work.span_id),
    ]
    for sent, told in zip((work, *stages), (TRACE.work, *TRACE.stages), strict=True):
        assert sent.trace_id == TRACE_ID
        assert sent.began_ns / 1000 == told.began_at * 1e6
        assert sent.ended_ns / 1000 == (told.began_at + told.duration_s) * 1e6
        assert sent.attributes["sarau.request_id"] == "invocation"
        assert sent.attributes["sarau.track_id"] == _track(sqlite_database, traced.landing.id)


def _track(database: Database, landing_id: LandingId) -> str | None:
    with database.read() as connection:
        upload = landings.find(connection, landing_id)
    assert upload is not None
    return upload.track_id
