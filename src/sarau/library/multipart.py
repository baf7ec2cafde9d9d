"""Sending a large file in parts, going on where another process was killed.

S3 keeps the parts of an upload that was not completed. Part sizes follow from the
file's size alone, so whoever sends the same bytes again finds the same parts; each is
held to the SHA-256 of what would be sent now before it is taken for sent.
"""

import base64
import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sarau.errors import FailedCode, FailedError
from sarau.library.bucket import Bucket, ConflictError, translated
from sarau.library.store import ObjectRef

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import CompletedPartTypeDef

_MIB = 1 << 20
_PART_BYTES = 16 * _MIB
_MOST_PARTS = 9_000
"""S3 takes 10,000."""

_logger = logging.getLogger(__name__)


def part_bytes(size_bytes: int) -> int:
    """Return how large the parts of a file are, the last one excepted."""
    needed = -(-size_bytes // _MOST_PARTS)
    return max(_PART_BYTES, -(-needed // _MIB) * _MIB)


def create(bucket: Bucket, name: str, path: Path, ref: ObjectRef) -> None:
    """Send a file in parts; S3 checks each against its SHA-256.

    Raises:
        ExistsError: There is an object of that name; it is as it was.
        ConflictError: Another request is completing it; the next try begins anew.
        FailedError: Those of `translated`, and `source_damaged` when the file is no
            longer what `ref` says.

    """
    upload_id, sent = _find(bucket, name)
    if upload_id is None:
        with translated(f"POST {name}"):
            made = bucket.client.create_multipart_upload(
                Bucket=bucket.place.bucket,
                Key=bucket.key(name),
                ChecksumAlgorithm="SHA256",
                **bucket.options(),
            )
        upload_id = made["UploadId"]
    parts = _send(bucket, name, upload_id, path, ref, sent)
    try:
        with _of_upload(f"complete {name}"):
            bucket.client.complete_multipart_upload(
                Bucket=bucket.place.bucket,
                Key=bucket.key(name),
                UploadId=upload_id,
                MultipartUpload={"Parts": parts},
                IfNoneMatch="*",
            )
    except ConflictError:
        # An upload whose completion met another one cannot be completed any more.
        _abort(bucket, name, upload_id)
        raise


def abandon(bucket: Bucket, name: str) -> None:
    """Let S3 forget parts of an object that is complete by another's hand.

    Raises:
        FailedError: Those of `translated`.

    """
    for upload_id in _begun(bucket, name):
        _abort(bucket, name, upload_id)


def _abort(bucket: Bucket, name: str, upload_id: str) -> None:
    try:
        with _of_upload(f"abort {name}"):
            bucket.client.abort_multipart_upload(
                Bucket=bucket.place.bucket, Key=bucket.key(name), UploadId=upload_id
            )
    except ConflictError:
        _logger.debug("upload %s of %s is gone already", upload_id, name)


@contextmanager
def _of_upload(what: str) -> Iterator[None]:
    """Translate errors as elsewhere; an upload that is gone is a conflict.

    S3 says `NoSuchUpload` then, and Ceph `NoSuchKey`.
    """
    try:
        with translated(what):
            yield
    except FailedError as error:
        if error.code is not FailedCode.OBJECT_MISSING:
            raise
        raise ConflictError(what) from error


def _begun(bucket: Bucket, name: str) -> list[str]:
    """Return the uploads of this name that were begun and are not complete."""
    key = bucket.key(name)
    with translated(f"LIST uploads of {name}"):
        found = bucket.client.list_multipart_uploads(Bucket=bucket.place.bucket, Prefix=key)
    return [one["UploadId"] for one in found.get("Uploads", []) if one["Key"] == key]


def _find(bucket: Bucket, name: str) -> "tuple[str | None, dict[int, CompletedPartTypeDef]]":
    """Return an upload of this name that was begun, and its parts by number."""
    begun = _begun(bucket, name)
    if not begun:
        return None, {}
    with _of_upload(f"LIST parts of {name}"):
        pages = bucket.client.get_paginator("list_parts").paginate(
            Bucket=bucket.place.bucket, Key=bucket.key(name), UploadId=begun[0]
        )
        sent = {
            part["PartNumber"]: _completed(
                part["PartNumber"], part.get("ChecksumSHA256", ""), part["ETag"]
            )
            for page in pages
            for part in page.get("Parts", [])
        }
    _logger.info("going on with %s: %d parts are there", name, len(sent))
    return begun[0], sent


def _send(
    bucket: Bucket,
    name: str,
    upload_id: str,
    path: Path,
    ref: ObjectRef,
    sent: "dict[int, CompletedPartTypeDef]",
) -> "list[CompletedPartTypeDef]":
    parts: list[CompletedPartTypeDef] = []
    whole = hashlib.sha256()
    size = part_bytes(ref.size_bytes)
    with path.open("rb", buffering=0) as file:
        for number in range(1, -(-ref.size_bytes // size) + 1):
            body = os.pread(file.fileno(), size, (number - 1) * size)
            whole.update(body)
            checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
            there = sent.get(number)
            if there is None or there.get("ChecksumSHA256") != checksum:
                with _of_upload(f"PUT part {number} of {name}"):
                    made = bucket.client.upload_part(
                        Bucket=bucket.place.bucket,
                        Key=bucket.key(name),
                        UploadId=upload_id,
                        PartNumber=number,
                        Body=body,
                        ChecksumSHA256=checksum,
                    )
                there = _completed(number, checksum, made["ETag"])
            parts.append(there)
    if whole.hexdigest() != ref.sha256:
        raise FailedError(FailedCode.SOURCE_DAMAGED, f"{path.name} changed while it was sent")
    return parts


def _completed(number: int, checksum: str, etag: str) -> "CompletedPartTypeDef":
    return {"PartNumber": number, "ChecksumSHA256": checksum, "ETag": etag}
