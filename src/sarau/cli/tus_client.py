"""A tus 1.0 client that remembers, so that an interrupted upload goes on where it stopped."""

import base64
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click
import httpx

from sarau.cli.exits import language, say
from sarau.cli.progress import Report
from sarau.cli.terminal_text import said
from sarau.cli.upload_memory import Begun, UploadMemory
from sarau.errors import FailedCode, FailedError, RefusedCode, RefusedError, SarauError

_CHUNK_BYTES = 64 << 20
_BLOCK_BYTES = 1 << 20
_PATIENCE_S = 60.0
"""How long a server is waited for that does not answer, or that says it cannot."""
_CONNECT_S = 10.0
_ANSWER_S = 60.0
_SILENT_S = 10.0
"""How long a server may be silent before the person is told."""
_FIRST_PAUSE_S = 0.25
_MAX_PAUSE_S = 10.0
_TUS = {"Tus-Resumable": "1.0.0"}
_GONE = frozenset({403, 404, 410})
_PASSING = frozenset({408, 423, 429})
"""What of the answers that blame the request is over by itself."""
_UNANSWERED = frozenset({502, 504})
"""What a proxy says when the server behind it does not answer."""
_SENT_AGAIN = frozenset({"failed", "cancelled", "expired", "deleted"})
"""States of a track that came to nothing: who sends its file once more wants another one."""


class TusClient:
    """Sends files to one server; raises our errors with the server's own codes."""

    def __init__(self, server: str, token: str | None, memory: Path | None = None) -> None:
        headers = {"Accept-Language": language()}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        timeout = httpx.Timeout(_ANSWER_S, connect=_CONNECT_S)
        self._http = httpx.Client(
            base_url=server, headers=headers, timeout=timeout, trust_env=False
        )
        self._memory = UploadMemory(memory or Path(click.get_app_dir("sarau")) / "uploads.jsonl")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, path: Path, preset: str, report: Report) -> dict[str, Any]:
        """Send a file, or the rest of it, and return its track as the server describes it.

        A file that this client has sent, and that the server has, is not sent again.

        Raises:
            RefusedError: The server does not take it, and says why.
            FailedError: The server could not be reached, or failed, for too long.
            OSError: The file cannot be read.

        """
        key = _fingerprint(str(self._http.base_url), path, preset)
        begun = self._memory.get(key)
        track = self._track_of(begun)
        if track is not None and track["state"] != "receiving":
            return track
        if begun is None or track is None or self._offset(begun.url) is None:
            begun = self._create(path, preset)
            self._memory.put(key, begun)
        self._send_rest(begun.url, path, report)
        return self.track(begun.track)

    def _track_of(self, begun: Begun | None) -> dict[str, Any] | None:
        """Return the track of an earlier upload, None where its file has to be sent once more."""
        if begun is None:
            return None
        answer = self._request("GET", f"/api/v1/tracks/{begun.track}", expected=_GONE)
        if answer.status_code in _GONE:
            return None
        found: dict[str, Any] = answer.json()
        return None if found["state"] in _SENT_AGAIN else found

    def _send_rest(self, url: str, path: Path, report: Report) -> None:
        size_bytes = path.stat().st_size
        patience, last = _Patience(), -1
        while (offset := self._offset(url, patience)) is not None and offset < size_bytes:
            if offset > last:
                patience, last = _Patience(), offset
            try:
                self._patch(url, path, offset, size_bytes, report)
            except _PassingError as trouble:
                patience.pause(trouble)
        if offset is None:
            raise RefusedError(RefusedCode.UPLOAD_GONE, "the server let go of it meanwhile")

    def track(self, track_id: str) -> dict[str, Any]:
        """Return a track as the server describes it."""
        found: dict[str, Any] = self._request("GET", f"/api/v1/tracks/{track_id}").json()
        return found

    def _create(self, path: Path, preset: str) -> Begun:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        filename = os.fsencode(path.name).decode(errors="replace")
        # A server that has these bytes from us needs no others.
        described = {"filename": filename, "preset": preset, "sha256": sha256}
        encoded = (f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in described.items())
        headers = {
            **_TUS,
            "Upload-Length": str(path.stat().st_size),
            "Upload-Metadata": ",".join(encoded),
        }
        answer = self._request("POST", "/files/", headers=headers)
        return Begun(answer.headers["location"], answer.headers["sarau-track"])

    def _offset(self, url: str, patience: "_Patience | None" = None) -> int | None:
        """Return how much the server has on disk, None when it knows the upload no more."""
        answer = self._request("HEAD", url, headers=_TUS, expected=_GONE, patience=patience)
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
            _raise_for(self._once("PATCH", url, headers=headers, content=body))

    def _request(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        expected: frozenset[int] = frozenset(),
        patience: "_Patience | None" = None,
    ) -> httpx.Response:
        patience = patience or _Patience()
        while True:
            try:
                with self._told_when_silent():
                    answer = self._once(method, url, headers=headers)
                if answer.status_code not in expected:
                    _raise_for(answer)
            except _PassingError as trouble:
                patience.pause(trouble)
            else:
                return answer

    @contextmanager
    def _told_when_silent(self) -> Iterator[None]:
        """Say so when a server has taken a request and then says nothing."""
        error = FailedError(FailedCode.SERVER_UNREACHABLE, str(self._http.base_url))
        more = said("silent", language(), seconds=f"{_SILENT_S:.0f}")
        timer = threading.Timer(_SILENT_S, say, (error, more))
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _once(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None,
        content: Iterator[bytes] | None = None,
    ) -> httpx.Response:
        try:
            return self._http.request(method, url, headers=headers, content=content)
        except httpx.TransportError as error:
            why = str(error) or type(error).__name__
            detail = f"{self._http.base_url}: {why}"
            trouble = FailedError(FailedCode.SERVER_UNREACHABLE, detail)
            raise _PassingError(trouble) from error


class _PassingError(Exception):
    """Trouble that may be over soon, and how long the server wants to be left alone."""

    def __init__(self, error: SarauError, pause_s: float = 0.0) -> None:
        super().__init__(str(error))
        self.error = error
        self.pause_s = pause_s


class _Patience:
    """One wait for a server: told when it begins, pauses that grow, and an end."""

    def __init__(self) -> None:
        self._end: float | None = None
        self._pause_s = _FIRST_PAUSE_S

    def pause(self, trouble: _PassingError) -> None:
        """Wait a little, and for as long as the server asks for, if that is before the end.

        Raises:
            SarauError: What the trouble was, when that was long enough.

        """
        moment = time.monotonic()
        if self._end is None:
            self._end = moment + _PATIENCE_S
            say(trouble.error, said("again", language(), seconds=f"{_PATIENCE_S:.0f}"))
        if moment >= self._end:
            raise trouble.error from trouble
        time.sleep(min(max(self._pause_s, trouble.pause_s), self._end - moment))
        self._pause_s = min(2 * self._pause_s, _MAX_PAUSE_S)


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


def _raise_for(answer: httpx.Response) -> None:
    """Raise what is wrong, by the code that the server gives, or else by the status.

    Raises:
        _PassingError: It may be well again soon.
        RefusedError: The request is at fault.
        FailedError: The server's disk is full.

    """
    status = answer.status_code
    if not answer.is_error:
        return
    is_passing = status in _PASSING or (
        answer.is_server_error and status != httpx.codes.INSUFFICIENT_STORAGE
    )
    error = _error_of(answer, is_passing=is_passing)
    if not is_passing:
        raise error
    after = answer.headers.get("retry-after", "")
    raise _PassingError(error, float(after) if after.isdecimal() else 0.0)


def _error_of(answer: httpx.Response, *, is_passing: bool) -> SarauError:
    """Return what a server says; the answer to a HEAD, and a proxy's, has no code of ours."""
    try:
        described = answer.json()
        code, detail = str(described["code"]), str(described["detail"])
    except (ValueError, KeyError, TypeError):
        text = " ".join(answer.text.split())[:200] or answer.reason_phrase
        code, detail = "", f"{answer.url}: {answer.status_code} {text}".rstrip()
    if code in set(RefusedCode):
        return RefusedError(RefusedCode(code), detail)
    if code in set(FailedCode):
        return FailedError(FailedCode(code), detail)
    if answer.status_code in _UNANSWERED:
        return FailedError(FailedCode.SERVER_UNREACHABLE, detail)
    if answer.status_code == httpx.codes.INSUFFICIENT_STORAGE:
        return FailedError(FailedCode.DISK_FULL, detail)
    if is_passing:
        return FailedError(FailedCode.INTERNAL, detail)
    return RefusedError(RefusedCode.INVALID_REQUEST, detail)
