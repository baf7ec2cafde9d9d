"""tus over a catalog in PostgreSQL, whose driver returns times of another kind."""

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
