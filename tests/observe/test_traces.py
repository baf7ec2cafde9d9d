"""Traces as a receiver of OTLP gets them from real processes."""

import secrets
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.otlp import Collector, collecting
from tests.outages import wait_until
from tests.postgresql import Postgresql
from tests.servers import Server, Worker
from tests.sounds import write_music

from sarau.model.preset import PRESETS
from sarau.settings import are_traces_wanted

WITHOUT_OTEL = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter")):
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Missing())
"""
"""What a Python does that has the interface of OpenTelemetry, as FastAPI brings it, and no more."""

MakeServer = Callable[..., Server]
MakeWorker = Callable[..., Worker]


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


def test_one_trace_leads_from_a_request_to_each_rendition_through_both_processes(
    make_server: MakeServer,
    make_worker: MakeWorker,
    postgresql: Postgresql,
    collector: Collector,
    tmp_path: Path,
) -> None:
    settings = collector.settings | {"SARAU_DATABASE_URL": postgresql.new_catalog()}
    web = make_server("--no-worker", **settings)
    worker = make_worker(web.data, **settings)
    trace_id, caller = secrets.token_hex(16), secrets.token_hex(8)
    track = _send(web, write_music(tmp_path / "a.wav"), "streaming", trace_id, caller)
    assert web.wait_for(track, "ready", "failed")["state"] == "ready"
    assert worker.end(signal.SIGTERM) == 0
    web.stop()
    mine = [one for one in collector.spans if one.trace_id == trace_id]
    # It is one tree, whose root is what the caller was at.
    known = {one.span_id for one in mine} | {caller}
    assert {one.parent_id for one in mine} <= known
    (request,) = (one for one in mine if one.parent_id == caller)
    assert request.name == "POST api"
    assert request.attributes["http.response.status_code"] == httpx.codes.CREATED
    names = {one.name for one in mine}
    assert {"promote_source", "process_track", "validate", "store", "render", "publish"} <= names
    assert {"stage render", "stage verify", "stage adopt", "engine render"} <= names
    made = {one.attributes["sarau.rendition"]: one for one in mine if "rendition " in one.name}
    assert set(made) == {one.name for one in PRESETS["streaming"].renditions}
    for one in made.values():
        assert one.attributes["sarau.track_id"] == track
        assert one.process["service.instance.id"].endswith(f"-{worker.process.pid}")
    assert request.process["service.instance.id"] != one.process["service.instance.id"]
    # What belongs together finds together: the log's id is the trace's.
    assert {one.attributes["sarau.request_id"] for one in made.values()} == {trace_id}


@pytest.mark.soak
def test_a_trace_goes_on_where_the_run_does(
    make_server: MakeServer,
    make_worker: MakeWorker,
    postgresql: Postgresql,
    collector: Collector,
    tmp_path: Path,
) -> None:
    settings = collector.settings | {"SARAU_DATABASE_URL": postgresql.new_catalog()}
    web = make_server("--no-worker", **settings)
    first = make_worker(web.data, **settings)
    trace_id = secrets.token_hex(16)
    path = write_music(tmp_path / "a.wav", seconds=120)
    track = _send(web, path, "archive", trace_id, secrets.token_hex(8))
    wait_until(lambda: any(one.name == "store" for one in collector.spans))
    first.end(signal.SIGKILL)
    heir = make_worker(web.data, **settings)
    assert web.wait_for(track, "ready", "failed")["state"] == "ready"
    assert heir.end(signal.SIGTERM) == 0
    (made,) = (one for one in collector.spans if one.name == "rendition flac")
    assert made.trace_id == trace_id
    assert made.process["service.instance.id"].endswith(f"-{heir.process.pid}")


def test_files_that_arrive_together_have_each_the_trace_of_its_request(
    make_server: MakeServer, collector: Collector, tmp_path: Path
) -> None:
    server = make_server(**collector.settings)
    paths = [write_music(tmp_path / f"{seed}.wav", seconds=0.5, seed=seed) for seed in range(8)]

    def send(path: Path) -> tuple[str, str]:
        trace_id = secrets.token_hex(16)
        return trace_id, _send(server, path, "archive", trace_id, secrets.token_hex(8))

    with ThreadPoolExecutor(len(paths)) as pool:
        sent = dict(pool.map(send, paths))
    for track in sent.values():
        assert server.wait_for(track, "ready", "failed")["state"] == "ready"
    server.stop()
    found = [one for one in collector.spans if one.name == "rendition flac"]
    assert {one.trace_id: one.attributes["sarau.track_id"] for one in found} == sent


def test_a_stage_that_fails_is_seen_as_failed(
    make_server: MakeServer, collector: Collector, tmp_path: Path
) -> None:
    server = make_server(**collector.settings, SARAU_CLAMD="tcp:127.0.0.1:9")
    track = server.send(write_music(tmp_path / "a.wav"), preset="archive")["id"]
    assert server.wait_for(track, "ready", "failed")["code"] == "scanner_unavailable"
    server.stop()
    found = [one for one in collector.spans if one.name == "stage validate"]
    assert [one.is_error for one in found] == [True]
    assert found[0].attributes["sarau.code"] == "scanner_unavailable"


def test_a_receiver_that_is_away_keeps_nobody_waiting(
    make_server: MakeServer, tmp_path: Path
) -> None:
    server = make_server(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    track = server.send(write_music(tmp_path / "a.wav"), preset="archive")["id"]
    assert server.wait_for(track, "ready", "failed")["state"] == "ready"
    server.stop()


def test_nothing_of_it_is_read_where_nobody_wants_traces(
    make_server: MakeServer, tmp_path: Path
) -> None:
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text(WITHOUT_OTEL)
    without = {"PYTHONPATH": str(tmp_path / "path")}
    server = make_server(**without)
    track = server.send(write_music(tmp_path / "a.wav"), preset="archive")["id"]
    assert server.wait_for(track, "ready", "failed")["state"] == "ready"
    with pytest.raises(AssertionError, match=r"sarau\[otel\]"):
        make_server(**without, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("environment", "are_wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "TRUE"}, False),
    ],
)
def test_the_variables_are_opentelemetrys_own(
    environment: dict[str, str], *, are_wanted: bool
) -> None:
    assert are_traces_wanted(environment) is are_wanted


def _send(server: Server, path: Path, preset: str, trace_id: str, parent: str) -> str:
    with server.client() as client:
        answer = client.post(
            "/api/v1/tracks",
            params={"filename": path.name, "preset": preset},
            headers={"traceparent": f"00-{trace_id}-{parent}-01"},
            content=path.read_bytes(),
        )
    assert answer.status_code == httpx.codes.CREATED, answer.text
    return str(answer.json()["id"])
