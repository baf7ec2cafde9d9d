"""AcoustID is asked only where it is switched on and a person asks; nothing is overwritten."""

import json
from pathlib import Path

import pytest
from tests.acoustid import serve
from tests.recordings import write_melody
from tests.servers import Server

ANSWER = {
    "status": "ok",
    "results": [
        {
            "id": "9ff43b6a-4f16-427c-93c2-92307ca505e0",
            "score": 0.91,
            "recordings": [{"id": "cd2e7c47", "title": "Known", "artists": [{"name": "A Band"}]}],
        }
    ],
}


@pytest.mark.parametrize("is_on", [True, False])
def test_only_a_person_asks_and_the_names_stay(tmp_path: Path, *, is_on: bool) -> None:
    with serve() as service:
        service.body = json.dumps(ANSWER).encode()
        environment = {"SARAU_ACOUSTID_URL": service.url}
        if is_on:
            environment["SARAU_ACOUSTID_KEY"] = "our-key"
        server = Server(tmp_path / "data", **environment).start()
        try:
            sent = server.send(write_melody(tmp_path / "mine.wav", seed=1), preset="archive")
            track = server.wait_for(sent["id"], "ready", "failed", "rejected")
            assert track["state"] == "ready"
            assert service.questions == []
            with server.client() as client:
                assert client.get("/api/v1/session").json()["can_identify"] is is_on
                answer = client.post(f"/api/v1/tracks/{track['id']}/identify")
                insight = client.get(f"/api/v1/tracks/{track['id']}/insight").json()
                after = client.get(f"/api/v1/tracks/{track['id']}").json()
        finally:
            server.kill()
    assert (after["title"], after["artist"]) == ("mine", None)
    assert insight["fingerprint"].startswith("AQ")
    if not is_on:
        assert (answer.status_code, answer.json()["code"]) == (409, "lookup_off")
        assert service.questions == []
        return
    (found,) = answer.json()["items"]
    assert (found["title"], found["artists"][0]["name"], found["score"]) == (
        "Known",
        "A Band",
        0.91,
    )
    (question,) = service.questions
    assert question["fingerprint"] == [insight["fingerprint"]]
    assert question["duration"] == ["24"]
