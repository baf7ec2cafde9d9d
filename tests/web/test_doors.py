"""Who is let in: Host, Origin and token, on real servers."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from tests.servers import Server

from sarau.errors import RefusedError
from sarau.settings import Settings
from sarau.web.doors import check_may_listen, is_loopback

TOKEN = "correct horse battery staple"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("local") / "data").start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("guarded") / "data", SARAU_TOKEN=TOKEN).start()
    yield server
    server.kill()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_token(host: str) -> None:
    assert is_loopback(host)
    check_may_listen(Settings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.2", "example.com", ""])
def test_any_other_address_needs_one(host: str) -> None:
    with pytest.raises(RefusedError, match="token_required"):
        check_may_listen(Settings(host=host))
    check_may_listen(Settings(host=host, token=TOKEN))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:1", 200),
        ("127.0.0.1", 200),
        ("[::1]:8000", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("[", 400),
        ("[::1", 400),
        ("a]", 400),
        ("", 421),
    ],
)
def test_a_rebound_name_is_not_answered(local: Server, host: str, status: int) -> None:
    with local.client() as client:
        answer = client.get("/api/v1/session", headers={"Host": host})
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["status"] == status
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "{own}"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, True),
    ],
)
def test_another_sites_page_changes_nothing(
    local: Server,
    headers: dict[str, str],
    allowed: bool,  # noqa: FBT001 - a column of the table
) -> None:
    named = {name: value.format(own=local.url) for name, value in headers.items()}
    with local.client(headers=named) as client:
        for method, url in (("DELETE", "/api/v1/tracks/x"), ("POST", "/files/")):
            answer = client.request(method, url)
            refused = answer.status_code == 403 and answer.json()["code"] == "origin_not_allowed"
            assert refused != allowed, (method, url, answer.text)


def test_without_the_token_nothing_is_shown(guarded: Server) -> None:
    with guarded.client() as client:
        for method, url in (
            ("GET", "/api/v1/session"),
            ("GET", "/api/v1/tracks"),
            ("GET", "/api/v1/events"),
            ("GET", "/openapi.json"),
            ("POST", "/files/"),
            ("POST", "/api/v1/tracks"),
        ):
            answer = client.request(method, url)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), url
            assert answer.headers["www-authenticate"].startswith("Bearer")
        assert client.get("/healthz").status_code == 200
        page = client.get("/", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, "/login")


def test_the_token_opens_the_api(guarded: Server) -> None:
    with guarded.client(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        assert client.get("/api/v1/session").status_code == 200
    with guarded.client(headers={"Authorization": f"Bearer {TOKEN}x"}) as client:
        assert client.get("/api/v1/session").status_code == 401


def test_the_token_opens_the_page_and_the_cookie_is_not_the_token(guarded: Server) -> None:
    with guarded.client() as client:
        assert client.post("/login", data={"token": "wrong"}).status_code == 401
        answer = client.post("/login", data={"token": TOKEN})
        assert answer.status_code == 303
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert TOKEN not in cookie
        assert client.get("/api/v1/session").status_code == 200
        client.post("/logout")
        assert client.get("/api/v1/session").status_code == 401


def test_serve_refuses_to_start_in_the_open(make_server: Callable[..., Server]) -> None:
    with pytest.raises(AssertionError, match="SARAU_TOKEN"):
        make_server(SARAU_HOST="0.0.0.0", LANG="C")


def test_pages_and_answers_carry_their_policies(local: Server) -> None:
    with local.client() as client:
        page = client.get("/")
        data = client.get("/api/v1/session")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    for answer in (page, data):
        assert isinstance(answer, httpx.Response)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"


def test_the_collection_of_uploads_answers_with_and_without_a_slash(local: Server) -> None:
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "5"}
    with local.client(headers=headers) as client:
        assert [client.post(path).status_code for path in ("/files", "/files/")] == [201, 201]
