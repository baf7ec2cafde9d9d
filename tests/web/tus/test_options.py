"""OPTIONS: what the server can do."""

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


@pytest.mark.parametrize("method", ["GET", "PUT", "TRACE", "PROPFIND"])
def test_other_methods_are_refused(server: Any, method: str) -> None:
    answer = httpx.request(method, server.create(1), headers={"Tus-Resumable": "1.0.0"})
    assert answer.status_code == 405
    assert "PATCH" in answer.headers["allow"]
