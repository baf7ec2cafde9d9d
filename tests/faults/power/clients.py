"""Clients of a server whose power will be cut: each writes down at once what it was told.

What it is about to ask for (a termination, a deletion) it writes down before it asks.
"""

import base64
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tests.faults.power.acts import Act
from tests.faults.power.installation import Installation
from tests.servers import Server

_TUS = {"Tus-Resumable": "1.0.0"}
_BYTES = {"Content-Type": "application/offset+octet-stream"}
_PATIENCE_S = 120.0
_LOOK_S = 0.05


@dataclass(frozen=True)
class Sent:
    """An upload as its client knows it."""

    id: str
    track_id: str
    data: bytes
    """What it sends."""


class Client(threading.Thread):
    """Does one thing after the other, and then waits for what became of all its tracks.

    Args:
        server: At which installation it is a guest.
        installation: Where it looks for what no answer tells: that deleted bytes are gone.
        songs: The folder of its files.
        mark: The file in which it writes down what it was told.
        acts: What it does, with which file.

    """

    def __init__(
        self,
        server: Server,
        installation: Installation,
        songs: Path,
        mark: Path,
        acts: Sequence[tuple[Act, str]],
    ) -> None:
        super().__init__(daemon=True)
        self.error: BaseException | None = None
        self._catalog = installation.settings.data / "sarau.db"
        self._http = server.client(headers=_TUS)
        self._songs, self._acts = songs, acts
        self._mark = os.open(mark, os.O_WRONLY)
        self._to_wait_for: list[Sent] = []

    def run(self) -> None:
        try:
            for act, song in self._acts:
                act(self, song)
            for sent in self._to_wait_for:
                self.wait_for(sent)
        except BaseException as error:  # noqa: BLE001 - told by whoever waits for it
            self.error = error
        finally:
            self._http.close()
            os.close(self._mark)

    def mark(self, *words: object) -> None:
        os.write(self._mark, ("\t".join(map(str, words)) + "\n").encode())

    def content(self, song: str) -> bytes:
        return (self._songs / song).read_bytes()

    def create(self, song: str, *, part: slice = slice(None), whole: bool = False) -> Sent:
        """Create an upload of a file or a piece of one, with its bytes if it is sent whole."""
        data = self.content(song)
        start, stop, _ = part.indices(len(data))
        headers = {"Upload-Length": str(stop - start)} | (_BYTES if whole else {})
        if part != slice(None):
            headers["Upload-Concat"] = "partial"
        return self._post(song, headers, data, start, stop, body=data[start:stop] if whole else b"")

    def join_pieces(self, song: str, pieces: Iterable[Sent]) -> Sent:
        """Make one upload of pieces that were sent."""
        data = self.content(song)
        concat = "final;" + " ".join(f"/files/{piece.id}" for piece in pieces)
        return self._post(song, {"Upload-Concat": concat}, data, 0, len(data))

    def _post(
        self,
        song: str,
        headers: dict[str, str],
        data: bytes,
        start: int,
        stop: int,
        *,
        body: bytes = b"",
    ) -> Sent:
        said = {"filename": song, "preset": "archive"}
        pairs = [f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in said.items()]
        headers = {**headers, "Upload-Metadata": ",".join(pairs)}
        answer = self._http.post("/files/", headers=headers, content=body)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        found = answer.headers
        upload_id = found["location"].rpartition("/")[2]
        self.mark("created", upload_id, song, start, stop)
        if "upload-offset" in found:
            self.mark("offset", upload_id, found["upload-offset"])
        return Sent(upload_id, found.get("sarau-track", ""), data[start:stop])

    def append(self, sent: Sent, start: int, stop: int) -> None:
        answer = self.patch(sent, start, sent.data[start:stop], stop - start)
        assert answer.status_code == httpx.codes.NO_CONTENT, answer.text
        self.mark("offset", sent.id, answer.headers["upload-offset"])

    def patch(
        self, sent: Sent, offset: int, body: bytes | Iterable[bytes], size: int
    ) -> httpx.Response:
        headers = {**_BYTES, "Upload-Offset": str(offset), "Content-Length": str(size)}
        return self._http.patch(f"/files/{sent.id}", content=body, headers=headers)

    def offset(self, sent: Sent) -> int:
        answer = self._http.head(f"/files/{sent.id}")
        assert answer.status_code == httpx.codes.OK
        self.mark("offset", sent.id, answer.headers["upload-offset"])
        return int(answer.headers["upload-offset"])

    def terminate(self, sent: Sent) -> None:
        self.mark("terminating", sent.id)
        answer = self._http.delete(f"/files/{sent.id}")
        assert answer.status_code == httpx.codes.NO_CONTENT, answer.text
        self.mark("terminated", sent.id)

    def wait_later(self, sent: Sent) -> None:
        """Wait for a track when everything else is done."""
        self._to_wait_for.append(sent)

    def wait_for(self, sent: Sent) -> list[str]:
        """Wait until a track is ready or rejected; return the names of its objects."""
        end = time.monotonic() + _PATIENCE_S
        while True:
            answer = self._http.get(f"/api/v1/tracks/{sent.track_id}")
            assert answer.status_code == httpx.codes.OK, answer.text
            track = answer.json()
            if track["state"] in {"ready", "rejected"}:
                break
            assert track["state"] != "failed", track
            assert time.monotonic() < end, track
            time.sleep(_LOOK_S)
        self.mark(track["state"], sent.id)
        return _objects(track)

    def delete(self, sent: Sent) -> None:
        """Delete a ready track and wait until its bytes are gone."""
        names = self.wait_for(sent)
        for name in names:
            self.mark("known", name)
        self.mark("deleting", sent.id)
        answer = self._http.delete(f"/api/v1/tracks/{sent.track_id}")
        assert answer.status_code == httpx.codes.NO_CONTENT, answer.text
        self.mark("deleted", sent.id)
        end = time.monotonic() + _PATIENCE_S
        while self._are_known(names):
            assert time.monotonic() < end, "what was deleted is still there"
            time.sleep(_LOOK_S)
        for name in names:
            self.mark("gone", name)

    def _are_known(self, names: list[str]) -> bool:
        with closing(sqlite3.connect(self._catalog, timeout=_PATIENCE_S)) as connection:
            known = {name for (name,) in connection.execute("SELECT sha256 FROM objects")}
        return not known.isdisjoint(names)


def _objects(track: dict[str, Any]) -> list[str]:
    if track["state"] != "ready":
        return []
    return [track["source"]["sha256"], *(one["sha256"] for one in track["renditions"])]
