"""A disk that breaks while a file comes with its creation: the answer says what broke."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.web.serve_uploads import build

from sarau.catalog import uploads
from sarau.errors import FailedCode, FailedError
from sarau.intake import Intake
from sarau.model.lifecycle import UploadState
from sarau.storage import durable

MIB = 1 << 20
TUS = {
    "Tus-Resumable": "1.0.0",
    "Upload-Length": str(2 * MIB),
    "Content-Type": "application/offset+octet-stream",
}
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/files/", TUS, bytes(2 * MIB)),
        ("/files/", {"Upload-Complete": "?1"}, bytes(2 * MIB)),
        ("/api/v1/tracks", {}, bytes(2 * MIB)),
        ("/api/v1/tracks", FORM, HEAD + bytes(2 * MIB) + b"\r\n--b--\r\n"),
    ],
    ids=["tus", "draft", "raw", "form"],
)
def test_the_disk_is_what_is_told_of_and_not_that_the_upload_is_gone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    headers: dict[str, str],
    body: bytes,
) -> None:
    app, intake = build(tmp_path, {})

    def sync(_fd: int) -> None:
        raise FailedError(FailedCode.DISK_ERROR, "EIO")

    monkeypatch.setattr(durable, "sync", sync)

    async def send() -> httpx.Response:
        async def parts() -> AsyncIterator[bytes]:
            yield body

        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            length = {"Content-Length": str(len(body))}
            return await client.post(path, headers=headers | length, content=parts())

    answer = asyncio.run(send())
    assert (answer.status_code, answer.json()["code"]) == (503, "disk_error")
    assert states(intake) == [UploadState.DAMAGED]
    intake.close()


def states(intake: Intake) -> list[UploadState]:
    with intake._database.read() as connection:
        return [upload.state for upload in uploads.in_state(connection, *UploadState)]
