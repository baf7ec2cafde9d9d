"""Pages of other sites that may upload: through the whole server, by the bearer token alone."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from tests.servers import Server

TOKEN = "correct horse battery staple"
STUDIO, ELSEWHERE = "https://studio.example", "https://elsewhere.example"
TUS = {"Tus-Resumable": "1.0.0"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
BYTES = {"Content-Type": "application/offset+octet-stream"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(
        tmp_path_factory.mktemp("cors") / "data",
        SARAU_TOKEN=TOKEN,
        SARAU_ALLOWED_ORIGINS=f"{STUDIO}, http://localhost:3000",
    ).start()
    yield started
    started.kill()


def preflight(client: httpx.Client, url: str, origin: str, method: str) -> httpx.Response:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,tus-resumable,upload-length",
    }
    return client.options(url, headers=asked)


@pytest.mark.parametrize("origin", [STUDIO, "http://localhost:3000"])
def test_a_page_of_an_allowed_site_uploads(server: Server, origin: str) -> None:
    page = {"Origin": origin, "Sec-Fetch-Site": "cross-site"} | BEARER
    with server.client() as client:
        for method in ("POST", "PATCH", "HEAD", "DELETE"):
            asked = preflight(client, "/files/", origin, method)
            assert asked.status_code == 204
            assert asked.headers["access-control-allow-origin"] == origin
            assert method in asked.headers["access-control-allow-methods"].split(", ")
            allowed = asked.headers["access-control-allow-headers"].split(", ")
            assert {"Authorization", "Repr-Digest", "Upload-Complete", "Upload-Length"} <= {
                *allowed
            }
            assert "access-control-allow-credentials" not in asked.headers
        created = client.post("/files/", headers=page | TUS | {"Upload-Length": "6"})
        exposed = created.headers["access-control-expose-headers"].split(", ")
        assert {"Location", "Sarau-Track", "Upload-Offset"} <= {*exposed}
        location = created.headers["location"]
        part = page | TUS | BYTES | {"Upload-Offset": "0"}
        answers = [
            client.patch(location, headers=part, content=b"abc"),
            client.head(location, headers=page | TUS),
            client.patch(location, headers=part, content=b"abc"),  # at a wrong offset
            client.delete(location, headers=page | TUS),
        ]
    assert [answer.status_code for answer in answers] == [204, 200, 409, 204]
    for answer in (created, *answers):
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["vary"] == "Origin"
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "origin", [ELSEWHERE, "null", "https://studio.example.evil.example", "http://studio.example"]
)
def test_a_page_of_another_site_changes_nothing_and_learns_nothing(
    server: Server, origin: str
) -> None:
    page = {"Origin": origin} | BEARER
    with server.client() as client:
        answers = [
            preflight(client, "/files/", origin, "POST"),
            client.post("/files/", headers=page | TUS | {"Upload-Length": "6"}),
            client.options("/files/", headers=page),
        ]
    assert [answer.status_code for answer in answers] == [401, 403, 204]
    for answer in answers:
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["vary"] == "Origin"


def test_an_allowed_page_may_only_upload(server: Server) -> None:
    with server.client() as client:
        for method, url in (
            ("POST", "/api/v1/tracks"),
            ("DELETE", "/api/v1/tracks/x"),
            ("POST", "/login"),
            ("POST", "/filesystem"),
        ):
            answer = client.request(method, url, headers={"Origin": STUDIO} | BEARER)
            assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed"), url
            assert "access-control-allow-origin" not in answer.headers
            asked = preflight(client, url, STUDIO, method)
            assert "access-control-allow-origin" not in asked.headers
        read = client.get("/api/v1/tracks", headers={"Origin": STUDIO} | BEARER)
        assert "access-control-allow-origin" not in read.headers


def test_an_allowed_page_brings_the_token_and_our_cookie_is_not_for_it(server: Server) -> None:
    page = {"Origin": STUDIO}
    with server.client() as client:
        assert client.post("/login", data={"token": TOKEN}).status_code == 303
        assert client.get("/api/v1/session").status_code == 200
        made = client.post("/files/", headers=TUS | {"Upload-Length": "6"})
        assert made.status_code == 201
        refused = [
            client.post("/files/", headers=page | TUS | {"Upload-Length": "6"}),
            client.head(made.headers["location"], headers=page | TUS),
            client.options("/files/", headers=page),  # what is no preflight brings the token too
            client.post(
                "/files/",
                headers=page | TUS | {"Upload-Length": "6", "Authorization": f"Bearer {TOKEN}x"},
            ),
        ]
        own = {"Origin": server.url}
        assert client.head(made.headers["location"], headers=own | TUS).status_code == 200
        assert client.delete(made.headers["location"], headers=own | TUS).status_code == 204
    for answer in refused:
        assert answer.status_code == 401
        # The page can read why.
        assert answer.headers["access-control-allow-origin"] == STUDIO


def test_without_the_setting_no_other_page_uploads(make_server: Callable[..., Server]) -> None:
    with make_server().client() as client:
        asked = preflight(client, "/files/", STUDIO, "POST")
        made = client.post("/files/", headers={"Origin": STUDIO} | TUS | {"Upload-Length": "6"})
    assert made.status_code == 403
    for answer in (asked, made):
        assert "access-control-allow-origin" not in answer.headers
        assert "vary" not in answer.headers
