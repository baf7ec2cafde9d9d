"""A tus 1.0 client that remembers, so that an interrupted upload goes on where it stopped."""

import base64
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click
import httpx

from sarau.cli.progress import Report
from sarau.errors import FailedCode, FailedError, RefusedCode, RefusedError

_CHUNK_BYTES = 64 << 20
_BLOCK_BYTES = 1 << 20
_TRIES = 8
_MAX_PAUSE_S = 10.0
_TUS = {"Tus-Resumable": "1.0.0"}
_GONE = frozenset({403, 404, 410})


class TusClient:
    """Sends files to one server; raises our errors with the server's own codes."""

    def __init__(self, server: str, token: str | None, memory: Path | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=server, headers=headers, timeout=60, trust_env=False)
        self._memory = _Memory(memory or Path(click.get_app_dir("sarau")) / "uploads.json")

    def send(self, path: Path, preset: str, report: Report) -> str:
        """Send a file, or the rest of it, and return the id of its track.

        Raises:
            RefusedError: The server does not take it, and says why.
            FailedError: The server could not be reached for too long.

        """
        key = _fingerprint(str(self._http.base_url), path, preset)
        size_bytes = path.stat().st_size
        known = self._memory.get(key)
        if known is None or self._offset(known["url"]) is None:
            known = self._create(path, size_bytes, preset)
            self._memory.put(key, known)
        tries = 0
        while (offset := self._offset(known["url"])) is not None and offset < size_bytes:
            try:
                self._patch(known["url"], path, offset, size_bytes, report)
                tries = 0
            except httpx.TransportError as error:
                tries = _pause(tries, error)
        self._memory.forget(key)
        if offset is None:
            raise RefusedError(RefusedCode.UPLOAD_GONE, "the server let go of it meanwhile")
        return known["track"]

    def track(self, track_id: str) -> dict[str, Any]:
        """Return a track as the server describes it."""
        found: dict[str, Any] = self._request("GET", f"/api/v1/tracks/{track_id}").json()
        return found

    def _create(self, path: Path, size_bytes: int, preset: str) -> dict[str, str]:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        filename = os.fsencode(path.name).decode(errors="replace")
        # A server that has these bytes from us needs no others.
        described = {"filename": filename, "preset": preset, "sha256": sha256}
        encoded = (f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in described.items())
        headers = {
            **_TUS,
            "Upload-Length": str(size_bytes),
            "Upload-Metadata": ",".join(encoded),
        }
        answer = self._request("POST", "/files/", headers=headers)
        return {"url": answer.headers["location"], "track": answer.headers["sarau-track"]}

    def _offset(self, url: str) -> int | None:
        """Return how much the server has on disk, None when it knows the upload no more."""
        answer = self._request("HEAD", url, headers=_TUS, expected=_GONE)
        return None if answer.status_code in _GONE else int(answer.headers["upload-offset"])

    def _patch(self, url: str, path: Path, offset: int, size_bytes: int, report: Report) -> None:
        count = min(_CHUNK_BYTES, size_bytes - offset)
        headers = {
            **_TUS,
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(count),
        }
        with path.open("rb") as file:
            file.seek(offset)
            body = _blocks(file, count, lambda sent: report((offset + sent) / size_bytes))
            answer = self._http.patch(url, content=body, headers=headers)
        # Whatever stopped the server, what it keeps is asked for before going on.
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise httpx.ReadError(f"the server answered {answer.status_code}")
        _raise_for(answer)

    def _request(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        expected: frozenset[int] = frozenset(),
    ) -> httpx.Response:
        tries = 0
        while True:
            try:
                answer = self._http.request(method, url, headers=headers)
            except httpx.TransportError as error:
                tries = _pause(tries, error)
                continue
            if answer.status_code not in expected:
                _raise_for(answer)
            return answer


class _Memory:
    """A small file that says which upload was begun for which local file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            found: dict[str, dict[str, str]] = json.loads(self._path.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found

    def _write(self, known: dict[str, dict[str, str]]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps(known))
        draft.replace(self._path)

    def get(self, key: str) -> dict[str, str] | None:
        return self._read().get(key)

    def put(self, key: str, value: dict[str, str]) -> None:
        self._write({**self._read(), key: value})

    def forget(self, key: str) -> None:
        self._write({name: value for name, value in self._read().items() if name != key})


def _fingerprint(server: str, path: Path, preset: str) -> str:
    facts = path.stat()
    named = f"{server}\n{path.resolve()}\n{facts.st_size}\n{facts.st_mtime_ns}\n{preset}"
    return hashlib.sha256(os.fsencode(named)).hexdigest()


def _blocks(file: BinaryIO, count: int, report: Callable[[int], None]) -> Iterator[bytes]:
    sent = 0
    while sent < count and (block := file.read(min(_BLOCK_BYTES, count - sent))):
        yield block
        sent += len(block)
        report(sent)


def _pause(tries: int, error: httpx.TransportError) -> int:
    if tries >= _TRIES:
        raise FailedError(FailedCode.INTERNAL, f"the server cannot be reached: {error}") from error
    time.sleep(min(0.25 * 2**tries, _MAX_PAUSE_S))
    return tries + 1


def _raise_for(answer: httpx.Response) -> None:
    if answer.status_code < httpx.codes.BAD_REQUEST:
        return
    try:
        described = answer.json()
        code, detail = RefusedCode(described["code"]), str(described["detail"])
    except (ValueError, KeyError, TypeError):
        code, detail = RefusedCode.INVALID_REQUEST, f"{answer.status_code} {answer.text[:200]}"
    raise RefusedError(code, detail)
