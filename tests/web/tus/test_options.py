"""OPTIONS: what the server can do, and who may ask from another site."""

from typing import Any

import httpx
import pytest


def test_the_abilities_are_told_without_a_version(server: Any) -> None:
    answer = httpx.options(server.files)
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-max-size"] == str(1 << 40)
    assert {"creation", "creation-with-upload", "creation-defer-length", "termination"} <= set(
        answer.headers["tus-extension"].split(",")
    )
    assert {"sha1", "sha256"} <= set(answer.headers["tus-checksum-algorithm"].split(","))


def test_a_page_of_an_allowed_site_may_upload(server: Any) -> None:
    preflight = httpx.options(
        server.files,
        headers={
            "Origin": "https://studio.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "tus-resumable,upload-length",
        },
    )
    assert preflight.headers["access-control-allow-origin"] == "https://studio.example"
    assert "PATCH" in preflight.headers["access-control-allow-methods"]
    assert "Upload-Length" in preflight.headers["access-control-allow-headers"]
    headers = {
        "Origin": "https://studio.example",
        "Tus-Resumable": "1.0.0",
        "Upload-Length": "1",
    }
    answer = httpx.post(server.files, headers=headers)
    exposed = answer.headers["access-control-expose-headers"]
    assert {"Location", "Sarau-Track", "Upload-Offset"} <= set(exposed.split(", "))


def test_a_page_of_another_site_learns_nothing(server: Any) -> None:
    answer = httpx.options(server.files, headers={"Origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "PUT", "TRACE", "PROPFIND"])
def test_other_methods_are_refused(server: Any, method: str) -> None:
    answer = httpx.request(method, server.create(1), headers={"Tus-Resumable": "1.0.0"})
    assert answer.status_code == 405
    assert "PATCH" in answer.headers["allow"]
