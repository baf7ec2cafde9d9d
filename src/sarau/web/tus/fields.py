"""The header fields of tus 1.0, read strictly: what cannot be read is refused."""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.datastructures import Headers

from sarau.errors import RefusedCode, RefusedError
from sarau.intake import Description
from sarau.model.preset import DEFAULT_PRESET

_MOST_DIGITS = 18


class Digest(Protocol):
    """The part of hashlib's interface that a checksum needs."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Take in more bytes."""

    def digest(self) -> bytes:
        """Return the checksum of all of them."""


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes | memoryview, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


ALGORITHMS: dict[str, Callable[[], Digest]] = {
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "crc32": _Crc32,
}
"""What `Upload-Checksum` may name; sha1 is the one that tus 1.0 demands."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of one request must come to."""

    digest: Digest
    expected: bytes
    mismatch: RefusedCode = RefusedCode.UPLOAD_CHECKSUM_MISMATCH

    def check(self) -> None:
        """Compare.

        Raises:
            RefusedError: `upload_checksum_mismatch`.

        """
        if self.digest.digest() != self.expected:
            raise RefusedError(self.mismatch, "the bytes that arrived are not those that were sent")


def number(headers: Headers, name: str) -> int | None:
    """Return a header that is a whole number of bytes, None when it is not there.

    Raises:
        RefusedError: `invalid_request`; also when the header is there twice.

    """
    return whole_number(headers.getlist(name), name)


def whole_number(values: list[str], name: str) -> int | None:
    """Return what `number` returns, of a header's values."""
    if not values:
        return None
    text = values[0]
    if len(values) > 1 or not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS:
        raise RefusedError(RefusedCode.INVALID_REQUEST, f"{name} must be one whole number")
    return int(text)


def decode_base64(text: str, code: RefusedCode, what: str) -> bytes:
    """Decode base64 without leniency.

    Raises:
        RefusedError: With `code`.

    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusedError(code, f"{what} is not base64: {error}") from error


def metadata(header: str | None) -> dict[str, str]:
    """Read `Upload-Metadata`: pairs of a key and a base64 value, separated by commas.

    Raises:
        RefusedError: `upload_metadata_invalid`.

    """
    found: dict[str, str] = {}
    for pair in (header or "").split(",") if header and header.strip() else ():
        key, _, value = pair.strip().partition(" ")
        if not key or not key.isascii() or key in found:
            raise RefusedError(
                RefusedCode.UPLOAD_METADATA_INVALID, f"a key is empty, not ASCII or twice: {key!r}"
            )
        raw = decode_base64(value.strip(), RefusedCode.UPLOAD_METADATA_INVALID, f"{key}'s value")
        # The standard allows any bytes; names of old systems are not UTF-8.
        found[key] = raw.decode("utf-8", "replace")
    return found


def description(header: str | None) -> Description:
    """Return what `Upload-Metadata` says of the file; Uppy calls the file's name `name`.

    Raises:
        RefusedError: `upload_metadata_invalid`.

    """
    said = metadata(header)
    name = said.get("filename") or said.get("name") or said.get("relativePath") or ""
    return Description(name, said.get("preset") or DEFAULT_PRESET, header, said.get("sha256"))


def checksum(headers: Headers) -> Checksum | None:
    """Read `Upload-Checksum`.

    Raises:
        RefusedError: `upload_checksum_unsupported`, `invalid_request`.

    """
    header = headers.get("upload-checksum")
    if header is None:
        return None
    algorithm, _, value = header.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise RefusedError(RefusedCode.UPLOAD_CHECKSUM_UNSUPPORTED, f"unknown: {algorithm!r}")
    digest = ALGORITHMS[algorithm]()
    expected = decode_base64(value.strip(), RefusedCode.INVALID_REQUEST, "Upload-Checksum")
    if len(expected) != len(digest.digest()):
        raise RefusedError(RefusedCode.INVALID_REQUEST, "Upload-Checksum has a wrong length")
    return Checksum(digest, expected)


def content_digest(headers: Headers) -> Checksum | None:
    """Read `Content-Digest` (RFC 9530): the first digest of an algorithm that we know.

    Raises:
        RefusedError: `invalid_request`.

    """
    for item in headers.get("content-digest", "").split(","):
        name, _, value = item.strip().partition("=")
        if name in {"sha-256", "sha-512"}:
            raw = value.strip().removeprefix(":").removesuffix(":")
            expected = decode_base64(raw, RefusedCode.INVALID_REQUEST, "Content-Digest")
            digest = ALGORITHMS[name.replace("-", "")]()
            return Checksum(digest, expected, RefusedCode.INVALID_REQUEST)
    return None


def repr_digest(headers: Headers) -> str | None:
    """Read the SHA-256 of the whole file from `Repr-Digest` (RFC 9530), in hexadecimal.

    Raises:
        RefusedError: `invalid_request`.

    """
    for item in headers.get("repr-digest", "").split(","):
        name, _, value = item.strip().partition("=")
        if name == "sha-256":
            raw = value.strip().removeprefix(":").removesuffix(":")
            return decode_base64(raw, RefusedCode.INVALID_REQUEST, "Repr-Digest").hex()
    return None


@dataclass(frozen=True, slots=True)
class Concat:
    """`Upload-Concat`: this upload is a piece, or it is made of pieces."""

    header: str
    pieces: tuple[str, ...]
    """The ids of the pieces of a final upload, empty for a piece."""


def concat(headers: Headers) -> Concat | None:
    """Read `Upload-Concat`; the pieces' addresses may be absolute or only paths.

    Raises:
        RefusedError: `invalid_request`.

    """
    header = headers.get("upload-concat")
    if header is None:
        return None
    if header == "partial":
        return Concat(header, ())
    kind, _, addresses = header.partition(";")
    pieces = tuple(address.rstrip("/").rpartition("/")[2] for address in addresses.split())
    if kind != "final" or not pieces:
        raise RefusedError(
            RefusedCode.INVALID_REQUEST, "Upload-Concat is `partial` or `final;ADDRESS ADDRESS...`"
        )
    return Concat(header, pieces)
