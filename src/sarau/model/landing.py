# ruff: noqa: TRY004 - a message of the wrong shape is a wrong value
"""A landing: an object that appeared in the intake bucket, and what the function made of it.

Two messages travel between the function and the rest: S3's own event on the way in, and
a notice on the way out. A notice only names a document; the document is the truth, as a
message can be lost, doubled or late (docs/guide/aws-s3-lambda.md). Both are versioned JSON.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Final, NewType, TypeVar
from urllib.parse import unquote_plus

from sarau.model.landing_trace import Trace, read_trace

LandingId = NewType("LandingId", str)
T = TypeVar("T")

VERSION: Final = 1
"""Of documents and notices. Raised when a reader of the older one would misunderstand."""

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_NOTICE: Final = "landing"


@dataclass(frozen=True, slots=True)
class Landing:
    """One object as S3's event names it."""

    bucket: str
    key: str
    """Decoded: S3 sends it as in the query of an address."""
    etag: str
    """Without quotation marks: it tells whether the object was replaced meanwhile."""
    size_bytes: int
    sequencer: str = ""
    """S3's own order of what happened to one key."""
    version_id: str | None = None
    """None where the bucket keeps no versions."""

    @property
    def id(self) -> LandingId:
        """The same for every delivery of one event, and for no other: 160 bits in base 32."""
        parts = [self.bucket, self.key, self.version_id or "", self.etag, self.sequencer]
        digest = hashlib.sha256(json.dumps(parts).encode()).digest()
        number = int.from_bytes(digest[:20])
        return LandingId("".join(_ALPHABET[number >> at & 31] for at in range(155, -1, -5)))

    @property
    def shown_key(self) -> str:
        """The key for people and for databases, which know no NUL."""
        return self.key.replace("\0", "\N{REPLACEMENT CHARACTER}")

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.shown_key}"


class Outcome(StrEnum):
    """How the function's work on a landing ended."""

    READY = "ready"
    REJECTED = "rejected"
    """The file's fault: it will not be tried again."""
    FAILED = "failed"
    """Ours, and of a kind that trying again would not change."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes that were put into the library."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Made:
    """A rendition that is an object of the library."""

    sha256: str
    size_bytes: int
    rendered: dict[str, Any]
    """The engine's `Rendition` in plain values: the file's properties and the evidence."""


@dataclass(frozen=True, slots=True)
class Maker:
    """Who did the work, and how well it was locked."""

    name: str
    """Of the function."""
    request_id: str
    """Of the invocation, as in the function's log."""
    version: str
    """Of Sarau."""
    sandbox: str
    """What held the decoders back: `full`, `seccomp`, `landlock` or `none`."""
    tools: dict[str, str] = field(default_factory=dict)
    """Versions of what decodes, encodes and measures."""


@dataclass(frozen=True, slots=True)
class Report:
    """The document of one landing: everything the catalog has to know."""

    landing: Landing
    outcome: Outcome
    maker: Maker
    library_id: str
    """Whose library the objects are in."""
    filename: str
    preset: str
    """The name that was asked for."""
    duration_s: float
    """Of the work."""
    definition: dict[str, Any] | None = None
    """What the preset said; None when there is none of that name."""
    source_sha256: str | None = None
    """Where the source is in the library; None when it was not stored."""
    source_size_bytes: int = 0
    analysis: dict[str, Any] | None = None
    """The engine's `Analysis` in plain values; None when there is none."""
    renditions: tuple[Made, ...] = ()
    code: str | None = None
    detail: str | None = None
    trace: Trace | None = None
    """None in a report of an older function."""
    stored: tuple[Stored, ...] = ()
    """All that was stored, also by attempts before and for renditions that are not shown; empty
    in a report of an older function."""
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the last attempt came to nothing, for whoever finds the event in the dead queue."""

    code: str
    detail: str
    attempt: int
    stored: tuple[Stored, ...] = ()
    """All that was stored until then; empty in a note of an older function."""


def read_event(text: str) -> list[Landing]:
    """Return what an S3 event says has landed; nothing for S3's test event.

    Raises:
        ValueError: It is no S3 event.

    """
    event = _object(_json(text), "event")
    if event.get("Event") == "s3:TestEvent":
        return []
    records = event.get("Records")
    if not isinstance(records, list):
        raise ValueError("an S3 event has Records")
    return [
        _landing(_object(_object(one, "record").get("s3"), "s3"))
        for one in records
        if str(_object(one, "record").get("eventName", "")).startswith("ObjectCreated:")
    ]


def _landing(s3: Mapping[str, Any]) -> Landing:
    bucket, found = _object(s3.get("bucket"), "bucket"), _object(s3.get("object"), "object")
    key, size = found.get("key"), found.get("size", 0)
    if not isinstance(key, str) or not isinstance(size, int) or not bucket.get("name"):
        raise ValueError("an S3 record has a bucket, a key and a size")
    version = found.get("versionId")
    return Landing(
        bucket=str(bucket["name"]),
        key=unquote_plus(key),
        etag=str(found.get("eTag", "")).strip('"'),
        size_bytes=size,
        sequencer=str(found.get("sequencer", "")),
        version_id=None if version in {None, "", "null"} else str(version),
    )


def to_text(value: Report | Trouble) -> str:
    """Return a document as JSON."""
    return json.dumps(asdict(value), separators=(",", ":"), allow_nan=False)


def read_report(text: str) -> Report:
    """Read a document.

    Raises:
        ValueError: It is none, or one of a version that is not known here.

    """
    values = _object(_json(text), "report")
    if values.get("version") != VERSION:
        raise ValueError(f"a report of version {values.get('version')}, not {VERSION}")
    read: dict[str, Any] = {
        **values,
        "landing": _build(Landing, values.get("landing")),
        "maker": _build(Maker, values.get("maker")),
        "renditions": _build_all(Made, values, "renditions"),
        "stored": _build_all(Stored, values, "stored"),
        "trace": read_trace(values.get("trace")),
    }
    report = _build(Report, read)
    try:
        Outcome(report.outcome)
    except ValueError as error:
        raise ValueError(f"an outcome {report.outcome!r}") from error
    if report.outcome == Outcome.READY and not (report.source_sha256 and report.analysis):
        raise ValueError("a report that is ready has a source and its analysis")
    return report


def read_trouble(text: str) -> Trouble:
    """Read why an attempt came to nothing.

    Raises:
        ValueError: It is no such note.

    """
    values = _object(_json(text), "trouble")
    return _build(Trouble, {**values, "stored": _build_all(Stored, values, "stored")})


def to_notice(landing_id: LandingId) -> str:
    """Return the message that says where a document is."""
    return json.dumps({"sarau": _NOTICE, "version": VERSION, "id": landing_id})


def read_notice(text: str) -> LandingId:
    """Return which document a message is about.

    Raises:
        ValueError: It is no notice, or one of a version that is not known here.

    """
    values = _object(_json(text), "notice")
    landing_id = values.get("id")
    if values.get("sarau") != _NOTICE or values.get("version") != VERSION:
        raise ValueError(f"not a notice of version {VERSION}")
    if not isinstance(landing_id, str) or not is_landing_id(landing_id):
        raise ValueError("a notice names a landing")
    return LandingId(landing_id)


def is_landing_id(text: str) -> bool:
    """Tell whether a text has the shape of a landing's id, and so is safe in a key."""
    return len(text) == 32 and set(text) <= set(_ALPHABET)  # noqa: PLR2004 - 160 bits, 5 a letter


def _json(text: str) -> Any:  # noqa: ANN401 - whatever the message holds
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{what}: an object was expected")
    return value


def _build_all(kind: type[T], values: Mapping[str, Any], name: str) -> tuple[T, ...]:
    found = values.get(name, [])
    if not isinstance(found, list):
        raise ValueError(f"{name}: a list was expected")
    return tuple(_build(kind, one) for one in found)


def _build(kind: type[T], value: object) -> T:
    values = _object(value, kind.__name__)
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type] # all are dataclasses
    unknown = values.keys() - known
    if unknown:
        raise ValueError(f"{kind.__name__}: unknown {sorted(unknown)}")
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{kind.__name__}: {error}") from error
