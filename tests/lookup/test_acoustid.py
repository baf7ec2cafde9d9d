"""AcoustID's documented answers, and every way in which it may fail, from a server of our own."""

import json
import threading
from collections.abc import Iterator

import httpx
import pytest
from tests.acoustid import Service, serve

from sarau.errors import FailedCode, FailedError
from sarau.lookup import AcoustId, Artist, Suggestion, acoustid

RECORDING = {
    "id": "cd2e7c47-16f5-46c6-a37c-a1eb7bf599ff",
    "duration": 225,
    "title": "Lightning Strikes",
    "artists": [
        {"id": "6d7b7cd4-254b-4c25-83f6-dd20f98ceacd", "name": "A Band"},
        {"name": "Guest"},
    ],
    "releasegroups": [
        {"id": "ddaa2d4d-314e-3e7c-b1d0-f6d207f5aa2f", "title": "Before", "type": "Album"}
    ],
}
KNOWN = {
    "status": "ok",
    "results": [
        {"id": "9ff43b6a-4f16-427c-93c2-92307ca505e0", "score": 0.8, "recordings": [RECORDING]},
        {
            "id": "aaaaaaaa-4f16-427c-93c2-92307ca505e0",
            "score": 0.95,
            "recordings": [{"id": "merged"}, {"id": "b", "title": "Nearer"}],
        },
        {"id": "bbbbbbbb-4f16-427c-93c2-92307ca505e0", "score": 0.4},
    ],
}


@pytest.fixture
def service() -> Iterator[Service]:
    with serve() as found:
        yield found


def look_up(service: Service) -> list[Suggestion]:
    return AcoustId(service.url, "our-key").look_up("AQAAAA", 215.4)


def test_a_known_recording_is_suggested_the_likeliest_first(service: Service) -> None:
    service.body = json.dumps(KNOWN).encode()
    nearer, known = look_up(service)
    assert (nearer.title, nearer.score, nearer.artists, nearer.album) == ("Nearer", 0.95, (), None)
    assert known == Suggestion(
        score=0.8,
        acoustid="9ff43b6a-4f16-427c-93c2-92307ca505e0",
        title="Lightning Strikes",
        artists=(Artist("A Band", "6d7b7cd4-254b-4c25-83f6-dd20f98ceacd"), Artist("Guest", None)),
        album="Before",
        musicbrainz_id="cd2e7c47-16f5-46c6-a37c-a1eb7bf599ff",
    )
    assert service.questions == [
        {
            "client": ["our-key"],
            "duration": ["215"],
            "fingerprint": ["AQAAAA"],
            "meta": ["recordings releasegroups"],
            "format": ["json"],
        }
    ]


def test_an_unknown_recording_has_no_suggestions(service: Service) -> None:
    service.body = b'{"status": "ok", "results": []}'
    assert look_up(service) == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b'{"status": "error", "error": {"code": 4, "message": "invalid API key"}}'),
        (200, b'{"status": "ok"}'),
        (200, b'{"status": "ok", "results": [7]}'),
        (
            200,
            b'{"status": "ok", "results": [{"score": "x", "recordings": [{"title": "c"}]}]}',
        ),
        (200, b"[]"),
        (200, b"[" * 100_000),
        (
            200,
            b'{"status": "ok", "results": [{"id": "a", "score": 1' + b"0" * 400 + b","
            b' "recordings": [{"id": "b", "title": "c"}]}]}',
        ),
        (200, b"<html>"),
        (200, b"\xff\xfe"),
        (200, b" " * (2 << 20)),
        (302, b""),
        (500, b"down"),
        (200, b""),
    ],
)
def test_an_answer_that_is_none_is_an_error(service: Service, status: int, body: bytes) -> None:
    service.status, service.body = status, body
    with pytest.raises(FailedError) as caught:
        look_up(service)
    assert caught.value.code is FailedCode.LOOKUP_UNAVAILABLE
    assert len(service.questions) == 1


def test_a_service_that_stalls_is_given_up(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acoustid, "_TIMEOUT", httpx.Timeout(0.2))
    service.body, service.stall = b"{}", threading.Event()
    with pytest.raises(FailedError, match="ReadTimeout"):
        look_up(service)
    service.stall.set()


def test_a_service_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FailedError, match="lookup_unavailable"):
        AcoustId("http://127.0.0.1:9/v2/lookup", "our-key").look_up("AQAAAA", 10)
