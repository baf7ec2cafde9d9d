import json
from dataclasses import replace
from typing import Any

import pytest

from sarau.model.landing import (
    Landing,
    LandingId,
    Made,
    Maker,
    Outcome,
    Report,
    Stored,
    Trouble,
    is_landing_id,
    read_event,
    read_notice,
    read_report,
    read_trouble,
    to_notice,
    to_text,
)
from sarau.model.landing_trace import StageTime, Trace, read_trace, to_traceparent

WORK = {"name": "landing", "began_at": 1.0, "duration_s": 1.0}
LANDING = Landing("in", "a/b.wav", "abc", 10, "0055", None)
REPORT = Report(
    landing=LANDING,
    outcome=Outcome.READY,
    maker=Maker("f", "r", "1", "full", {"pyav": "19"}),
    library_id="l",
    filename="b.wav",
    preset="podcast",
    duration_s=1.5,
    definition={"name": "podcast"},
    source_sha256="0" * 64,
    source_size_bytes=10,
    analysis={"source": {}},
    renditions=(Made("1" * 64, 5, {"file": {}}),),
    trace=Trace(
        f"00-{'a' * 32}-{'b' * 16}-01",
        StageTime("landing", 1_800_000_000.25, 1.5),
        (StageTime("fetch", 1_800_000_000.5, 0.25),),
    ),
    stored=(Stored("0" * 64, 10), Stored("1" * 64, 5)),
)


def _event(**changes: Any) -> str:
    record = {
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": "in"},
            "object": {
                "key": "m%C3%BAsica/a+b%2Bc.wav",
                "size": 7,
                "eTag": '"e1"',
                "sequencer": "01",
                **changes,
            },
        },
    }
    return json.dumps({"Records": [record]})


def test_an_event_of_s3_says_what_has_landed() -> None:
    assert read_event(_event()) == [Landing("in", "música/a b+c.wav", "e1", 7, "01")]
    assert read_event(_event(versionId="v"))[0].version_id == "v"
    assert read_event(_event(versionId="null"))[0].version_id is None


def test_the_test_event_and_removals_say_nothing() -> None:
    assert read_event(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"})) == []
    assert read_event(_event().replace("ObjectCreated:Put", "ObjectRemoved:Delete")) == []


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"Records": 1}', '{"Records": [1]}', "[" * 10_000, _event(key=1)]
)
def test_what_is_no_event_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of them; none may pass
        read_event(text)


def test_one_event_has_one_id_and_another_event_has_another() -> None:
    assert read_event(_event())[0].id == read_event(_event())[0].id
    others = [
        LANDING,
        replace(LANDING, bucket="other"),
        replace(LANDING, key="other"),
        replace(LANDING, etag="other"),
        replace(LANDING, sequencer="other"),
        replace(LANDING, version_id="other"),
        # Nothing is gained by moving a letter from one part to the next.
        replace(LANDING, bucket="ina", key="/b.wav"),
    ]
    ids = {one.id for one in others}
    assert len(ids) == len(others)
    assert all(is_landing_id(one) for one in ids)


def test_a_key_with_a_nul_is_shown_without_it_and_read_with_it() -> None:
    odd = replace(LANDING, key="a\0b.wav")
    assert str(odd) == "s3://in/a\N{REPLACEMENT CHARACTER}b.wav"
    assert odd.key == "a\0b.wav"


def test_a_report_is_read_as_it_was_written() -> None:
    assert read_report(to_text(REPORT)) == REPORT


def test_a_report_of_an_older_function_has_no_trace() -> None:
    text = json.dumps({k: v for k, v in json.loads(to_text(REPORT)).items() if k != "trace"})
    assert read_report(text) == replace(REPORT, trace=None)


@pytest.mark.parametrize(
    "change",
    [
        {"traceparent": "00-zz"},
        {"traceparent": 1},
        {"work": {"name": "landing", "began_at": float("nan"), "duration_s": 1}},
        {"work": {"name": "landing", "began_at": 1, "duration_s": -1}},
        {"work": {"name": "landing", "began_at": "now", "duration_s": 1}},
        {"stages": [{"name": "fetch", "began_at": 1e300, "duration_s": 1}]},
        {"stages": None},
        {"more": 1},
    ],
)
def test_a_trace_that_nobody_could_send_is_refused(change: dict[str, Any]) -> None:
    plain = json.loads(to_text(REPORT))
    with pytest.raises(ValueError):  # noqa: PT011 - any of them; none may pass
        read_report(json.dumps({**plain, "trace": {**plain["trace"], **change}}))


def test_the_trace_of_an_invocation_is_the_one_that_lambda_names() -> None:
    header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"
    expected = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"
    assert to_traceparent(header) == expected


@pytest.mark.parametrize("header", [None, "", "Root=1-5759e988", "Root=1-5759e988;Parent=x", ";;="])
def test_the_trace_of_an_invocation_is_a_new_one_where_lambda_names_none(
    header: str | None,
) -> None:
    one, other = to_traceparent(header), to_traceparent(header)
    assert one != other
    assert read_trace({"traceparent": one, "work": WORK, "stages": []}) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"outcome": "done"},
        {"landing": None},
        {"renditions": "none"},
        {"stored": [{"sha256": "a"}]},
        {"more": 1},
        {"source_sha256": None},
        {"analysis": None},
    ],
)
def test_a_report_of_another_shape_or_version_is_refused(change: dict[str, Any]) -> None:
    text = json.dumps(json.loads(to_text(REPORT)) | change)
    with pytest.raises(ValueError):  # noqa: PT011 - any of them; none may pass
        read_report(text)


def test_notices_and_troubles_are_read_as_they_were_written() -> None:
    assert read_notice(to_notice(LANDING.id)) == LANDING.id
    for stored in ((), (Stored("a" * 64, 1), Stored("b" * 64, 2))):
        trouble = Trouble("disk_full", "no room", 2, stored)
        assert read_trouble(to_text(trouble)) == trouble
    of_an_older_function = {"code": "disk_full", "detail": "no room", "attempt": 2}
    assert read_trouble(json.dumps(of_an_older_function)).stored == ()


@pytest.mark.parametrize("landing_id", ["../../x", "a" * 31, "u" * 32])
def test_a_notice_names_nothing_but_a_landing(landing_id: str) -> None:
    with pytest.raises(ValueError, match="landing"):
        read_notice(to_notice(LandingId(landing_id)))
