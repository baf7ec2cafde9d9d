"""AcoustID: which recordings of MusicBrainz a fingerprint is known as.

Version 2 of its web service (https://acoustid.org/webservice). What it answers with
`meta=recordings+releasegroups` comes from MusicBrainz, so nobody else needs to be asked. An
answer is only ever a suggestion: nothing here knows the catalog.
"""

import json
import threading
import time
from dataclasses import dataclass
from typing import Any, Final

import httpx

from sarau.errors import FailedCode, FailedError

_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_WHOLE_S: Final = 20.0
_LONGEST_ANSWER_BYTES: Final = 1 << 20
_LONGEST_TEXT: Final = 500
_MOST_SUGGESTIONS: Final = 10
_BEYOND: Final = (ArithmeticError, RecursionError)
"""Numbers and depths that JSON permits and Python does not."""
_PAUSE_S: Final = 0.34
"""AcoustID asks for no more than three requests a second."""


@dataclass(frozen=True, slots=True)
class Artist:
    """Who made a recording."""

    name: str
    musicbrainz_id: str | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A recording of MusicBrainz that this one may be."""

    score: float
    """AcoustID's own, 0 to 1."""
    acoustid: str
    title: str
    artists: tuple[Artist, ...]
    album: str | None
    """The first of the release groups that it is on."""
    musicbrainz_id: str
    """Of the recording: https://musicbrainz.org/recording/<id>."""


class AcoustId:
    """A client of AcoustID. Thread-safe; asks one question after the other.

    Args:
        url: Of the look-up service.
        key: Of the application, as registered with AcoustID.

    """

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key
        self._turn = threading.Lock()
        self._asked_at = -_PAUSE_S

    def look_up(self, chromaprint: str, duration_s: float) -> list[Suggestion]:
        """Return what a fingerprint is known as, the likeliest first; empty when it is unknown.

        Args:
            chromaprint: The text form, of the first two minutes.
            duration_s: Of the whole recording.

        Raises:
            FailedError: `lookup_unavailable`, whatever the trouble is.

        """
        question = {
            "client": self._key,
            "duration": str(round(duration_s)),
            "fingerprint": chromaprint,
            "meta": "recordings releasegroups",
            "format": "json",
        }
        with self._turn:
            time.sleep(max(0.0, self._asked_at + _PAUSE_S - time.monotonic()))
            try:
                answer = self._ask(question)
            except httpx.HTTPError as error:
                raise _unavailable(f"{type(error).__name__}: {error}") from error
            finally:
                self._asked_at = time.monotonic()
        return _read(answer)

    def _ask(self, question: dict[str, str]) -> bytes:
        """Return the answer's body, which may come with the status of an error, too."""
        end = time.monotonic() + _WHOLE_S
        body = bytearray()
        with (
            httpx.Client(timeout=_TIMEOUT, follow_redirects=False, trust_env=False) as client,
            client.stream("POST", self._url, data=question) as response,
        ):
            for piece in response.iter_bytes():
                body += piece
                if len(body) > _LONGEST_ANSWER_BYTES:
                    raise _unavailable("the answer is too long")
                if time.monotonic() > end:
                    raise _unavailable(f"no whole answer in {_WHOLE_S:g} s")
        return bytes(body)


def _read(answer: bytes) -> list[Suggestion]:
    try:
        told = json.loads(answer)
        if told["status"] != "ok":
            raise _unavailable(str(told["error"]["message"])[:_LONGEST_TEXT])
        found = [
            _suggestion(result, recording)
            for result in told["results"]
            for recording in result.get("recordings", ())
            # Recordings that MusicBrainz has merged or lost have nothing but their id.
            if recording.get("title")
        ]
    except (ValueError, KeyError, TypeError, AttributeError, *_BEYOND) as error:
        raise _unavailable(f"the answer cannot be read: {type(error).__name__}") from error
    found.sort(key=lambda one: -one.score)
    return found[:_MOST_SUGGESTIONS]


def _suggestion(result: dict[str, Any], recording: dict[str, Any]) -> Suggestion:
    groups = recording.get("releasegroups") or [{}]
    album = groups[0].get("title")
    return Suggestion(
        score=round(min(1.0, max(0.0, float(result["score"]))), 3),
        acoustid=_text(result["id"]),
        title=_text(recording["title"]),
        artists=tuple(
            Artist(_text(one["name"]), _text(one["id"]) if one.get("id") else None)
            for one in recording.get("artists", ())
        ),
        album=_text(album) if album else None,
        musicbrainz_id=_text(recording["id"]),
    )


def _text(value: object) -> str:
    return str(value)[:_LONGEST_TEXT]


def _unavailable(why: str) -> FailedError:
    return FailedError(FailedCode.LOOKUP_UNAVAILABLE, why)
