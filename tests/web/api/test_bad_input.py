"""What a sender of bad files is told, and that nothing of them stays in the library."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers import Server
from tests.sounds import write_music


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("bad") / "data").start()
    yield server
    server.kill()


def _wav(tmp_path: Path) -> bytes:
    return write_music(tmp_path / "good.wav").read_bytes()


BAD = {
    "empty.wav": (lambda _: b"", "empty_file"),
    "text.mp3": (lambda _: b"These are the lyrics of a song.\n" * 50, "not_audio"),
    "list.m3u8": (lambda _: b"#EXTM3U\n#EXTINF:1,\nsong.mp3\n", "playlist"),
    "script.mp3": (lambda _: b"ffconcat version 1.0\nfile 'song.wav'\n", "playlist"),
    "cut.wav": (lambda good: good[: len(good) // 2], "truncated"),
    "header.wav": (lambda good: good[:44], "truncated"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_rejected_with_a_code_and_leave_nothing(
    shared: Server, tmp_path: Path, name: str
) -> None:
    make, code = BAD[name]
    path = tmp_path / name
    path.write_bytes(make(_wav(tmp_path)))
    track = shared.send(path)
    found = shared.wait_for(track["id"], "rejected", "ready", "failed")
    assert (found["state"], found["code"]) == ("rejected", code)
    assert found["message"].endswith(".")
    assert found["renditions"] == []
    assert not [p for p in (shared.data / "library" / "objects").rglob("*") if p.is_file()]
    assert not [p for p in (shared.data / "library" / "work").rglob("*") if p.is_file()]
    with shared.client() as client:
        kinds = [
            event["kind"]
            for event in client.get(f"/api/v1/tracks/{track['id']}/events").json()["items"]
        ]
        in_portuguese = client.get(
            f"/api/v1/tracks/{track['id']}", headers={"Accept-Language": "pt-BR"}
        ).json()
    assert kinds[-3:] == ["run.rejected", "track.rejected", "upload.discarded"]
    assert in_portuguese["message"] != found["message"]


def test_a_rejected_track_cannot_be_retried_but_deleted(shared: Server, tmp_path: Path) -> None:
    path = tmp_path / "text.mp3"
    path.write_bytes(b"not music")
    track = shared.send(path)
    shared.wait_for(track["id"], "rejected")
    with shared.client() as client:
        refused = client.post(f"/api/v1/tracks/{track['id']}/retry")
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
        assert client.delete(f"/api/v1/tracks/{track['id']}").status_code == 204


def test_requests_that_make_no_sense_get_a_problem_document(shared: Server) -> None:
    cases = [
        ("GET", "/api/v1/tracks/nothing", 404, "not_found"),
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("PUT", "/api/v1/session", 405, "method_not_allowed"),
        ("GET", "/api/v1/tracks?limit=0", 422, "invalid_request"),
        ("GET", "/api/v1/tracks?state=loud", 422, "invalid_request"),
        ("POST", "/api/v1/tracks?filename=a.wav&preset=loudest", 422, "unknown_preset"),
    ]
    with shared.client() as client:
        for method, url, status, code in cases:
            answer = client.request(method, url, content=b"x" if method == "POST" else None)
            assert (answer.status_code, answer.json()["code"]) == (status, code), url
            assert answer.headers["content-type"] == "application/problem+json"


def test_a_person_who_is_lost_gets_a_page_in_their_language(shared: Server) -> None:
    headers = {"Accept": "text/html", "Accept-Language": "pt-BR"}
    with shared.client(headers=headers) as client:
        answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert answer.headers["content-language"] == "pt-BR"
    assert "Não há nada com este endereço" in answer.text
