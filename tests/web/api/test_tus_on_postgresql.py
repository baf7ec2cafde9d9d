"""PostgreSQL: its driver returns times of another kind, and takes no NUL in a text."""

import base64
from collections.abc import Callable

from tests.postgresql import Postgresql
from tests.servers import Server


def test_an_unfinished_upload_is_asked_for_and_continued(
    make_server: Callable[..., Server], postgresql: Postgresql
) -> None:
    server = make_server(SARAU_DATABASE_URL=postgresql.new_database())
    tus = {"Tus-Resumable": "1.0.0"}
    part = tus | {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    with server.client() as client:
        location = client.post("/files/", headers=tus | {"Upload-Length": "6"}).headers["location"]
        asked = client.head(location, headers=tus)
        assert (asked.status_code, asked.headers["upload-offset"]) == (200, "0")
        assert asked.headers["upload-expires"].endswith("GMT")
        assert client.patch(location, headers=part, content=b"abc").status_code == 204
        assert client.head(location, headers=tus).headers["upload-offset"] == "3"


def test_a_nul_is_in_no_name(make_server: Callable[..., Server], postgresql: Postgresql) -> None:
    server = make_server(SARAU_DATABASE_URL=postgresql.new_database())
    nul = base64.b64encode(b"a\0b").decode()
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": "1"}
    cases = [
        ("GET", "/api/v1/tracks/%00", {}, 404, "not_found"),
        ("DELETE", "/api/v1/tracks/a%00b", {}, 404, "not_found"),
        ("GET", "/api/v1/tracks/%00/renditions/x", {}, 404, "not_found"),
        ("GET", "/api/v1/presets/%00", {}, 404, "not_found"),
        ("HEAD", "/files/%00", tus, 404, None),
        ("GET", "/api/v1/tracks?q=%00", {}, 400, "invalid_request"),
        ("GET", "/api/v1/tracks?before=%00", {}, 400, "invalid_request"),
        ("POST", "/api/v1/tracks?preset=%00", {}, 400, "invalid_request"),
        ("POST", "/files/", tus | {"Upload-Metadata": f"preset {nul}"}, 400, "unknown_preset"),
        ("POST", "/files/", tus | {"Upload-Metadata": f"sha256 {nul}"}, 201, None),
        ("POST", "/files/", tus | {"Upload-Metadata": f"filename {nul}"}, 201, None),
    ]
    with server.client() as client:
        for method, url, headers, status, code in cases:
            answer = client.request(method, url, headers=headers)
            assert answer.status_code == status, (method, url, answer.text)
            assert code is None or answer.json()["code"] == code
        track = client.get("/api/v1/tracks").json()["items"][0]
        url = f"/api/v1/tracks/{track['id']}"
        for name in ("title", "artist"):
            assert client.patch(url, json={name: "a\0b"}).status_code == 422
            assert client.patch(url, json={name: "a\nb"}).status_code == 200
    assert not [line for line in server.log if "Traceback" in line]
