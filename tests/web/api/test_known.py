"""A client that says the hash is told at creation that nothing needs to be sent."""

import base64
import hashlib
from pathlib import Path

import httpx
from tests.servers import Server
from tests.sounds import write_music


def test_known_bytes_are_answered_at_creation(server: Server, tmp_path: Path) -> None:
    path = write_music(tmp_path / "song.wav")
    data = path.read_bytes()
    first = server.wait_for(server.send(path)["id"], "ready")
    digest = hashlib.sha256(data)
    encoded = base64.b64encode(digest.hexdigest().encode()).decode()
    size = str(len(data))
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": size, "Upload-Metadata": f"sha256 {encoded}"}
    draft = {
        "Upload-Complete": "?0",
        "Upload-Length": size,
        "Repr-Digest": f"sha-256=:{base64.b64encode(digest.digest()).decode()}:",
    }
    with server.client() as client:
        by_tus = client.post("/files/", headers=tus)
        by_draft = client.post("/files/", headers=draft)
        assert (by_tus.status_code, by_tus.headers["upload-offset"]) == (201, size)
        assert (by_draft.status_code, by_draft.headers["upload-offset"]) == (201, size)
        assert by_draft.headers["upload-complete"] == "?1"
        # A client that does not look at the offset is told where it stands.
        more = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        late = client.patch(by_tus.headers["location"], headers=tus | more, content=data)
        assert late.status_code == httpx.codes.CONFLICT
        asked = client.head(by_tus.headers["location"], headers=tus)
        assert asked.headers["upload-offset"] == size
    for answer in (by_tus, by_draft):
        track = server.wait_for(answer.headers["sarau-track"], "ready")
        assert track["duplicate_of"] == first["id"]
        with server.client() as client:
            assert client.get(track["source"]["url"]).content == data
