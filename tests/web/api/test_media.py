"""The bytes of tracks, asked for where they are."""

from pathlib import Path

import pytest
from starlette.requests import Request
from tests.contracts.stores import disk_library

from sarau.delivery import Deliverable
from sarau.library import DiskLibrary
from sarau.web.api.media import answer_file


class _Elsewhere(DiskLibrary):
    """A library that hands out addresses, as S3 does."""

    def download_url(self, *_: object, **__: object) -> str:
        return "https://s3.example/signed-for-get"


@pytest.mark.parametrize("attachment", [True, False])
def test_a_head_alone_is_answered_without_the_bytes(
    tmp_path: Path,
    attachment: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The library has none, so to open it would fail; and an address is signed for GET."""
    library = _Elsewhere(disk_library(tmp_path).volume)
    found = Deliverable(library, "song.wav", "audio/wav", sha256="a" * 64, size_bytes=5000)
    request = Request({"type": "http", "method": "HEAD", "headers": []})
    answer = answer_file(request, found, attachment=attachment)
    assert (answer.status_code, answer.body) == (200, b"")
    assert answer.headers["content-length"] == "5000"
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["etag"] == f'"{found.sha256}"'
    assert "song.wav" in answer.headers["content-disposition"]
