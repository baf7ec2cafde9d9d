"""One prefix of one S3 bucket, and the only module that speaks S3.

Every call ends in time: the client has timeouts and tries passing troubles again by
itself. What is left becomes one of our errors, never one of botocore's.
"""

import base64
import logging
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sarau.errors import FailedCode, FailedError
from sarau.library.store import ObjectRef
from sarau.settings import Settings

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_CHUNK_BYTES = 1 << 20
_READS = 5
"""How often a download that breaks off is continued; that of a small object begins again."""
_DENIED = frozenset({"401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"})
_EXISTS = frozenset({"412", "PreconditionFailed"})
_CONFLICT = frozenset({"409", "ConditionalRequestConflict", "OperationAborted", "NoSuchUpload"})
_GONE = frozenset({"404", "NoSuchKey", "NotFound"})

_logger = logging.getLogger(__name__)


class ExistsError(Exception):
    """A conditional write found an object of that name."""


class ConflictError(Exception):
    """Two writers of one name met, or one has ended what the other was sending: try again."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bucket is and how it is used."""

    bucket: str
    prefix: str = ""
    """Ends in a slash unless it is empty."""
    endpoint: str | None = None
    """An S3 of somebody else's; AWS's own by default."""
    region: str | None = None
    storage_class: str | None = None
    """What objects are stored as; the bucket's default by default."""

    @classmethod
    def of_library(cls, settings: Settings) -> "Place | None":
        """Return where the library's bucket is, None when the library is on a disk."""
        if settings.library_bucket is None:
            return None
        name, prefix = settings.library_bucket
        return cls(
            name,
            prefix,
            endpoint=settings.s3_endpoint,
            region=settings.s3_region,
            storage_class=settings.library_storage_class,
        )

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


@dataclass(frozen=True, slots=True)
class Head:
    """What S3 says of an object without reading it."""

    size_bytes: int
    etag: str
    sha256: str | None
    """Of all the bytes S3 took, in lower-case hexadecimal. None where S3 has no such sum:
    of an object sent in parts it only knows a sum of sums."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What whoever made the object said of it, by lower-case names."""


@dataclass(frozen=True, slots=True)
class Version:
    """A small object as it was when it was read."""

    text: str
    etag: str


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn botocore's errors into ours.

    Raises:
        FailedError: `object_missing`, `volume_missing` (no bucket), `library_denied`,
            `library_unavailable`.
        ExistsError: As it says.
        ConflictError: As it says.

    """
    import urllib3.exceptions  # noqa: PLC0415 - comes with the extra `aws`
    from botocore import exceptions  # noqa: PLC0415 - as above

    try:
        yield
    except exceptions.ClientError as error:
        raise _judge(what, error.response) from error
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
        raise FailedError(FailedCode.LIBRARY_DENIED, f"{what}: {error}") from error
    except (exceptions.BotoCoreError, urllib3.exceptions.HTTPError) as error:
        raise FailedError(FailedCode.LIBRARY_UNAVAILABLE, f"{what}: {error}") from error


def _judge(what: str, response: Any) -> Exception:  # noqa: ANN401 - botocore's own shape
    code = str(response.get("Error", {}).get("Code", ""))
    status = str(response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
    text = f"{what}: {code} {response.get('Error', {}).get('Message', '')}"
    if code == "NoSuchBucket":
        return FailedError(FailedCode.VOLUME_MISSING, text)
    if code in _EXISTS:
        return ExistsError(text)
    if code in _CONFLICT:
        return ConflictError(text)
    if code in _GONE:
        return FailedError(FailedCode.OBJECT_MISSING, text)
    if code in _DENIED or status in {"401", "403"}:
        return FailedError(FailedCode.LIBRARY_DENIED, text)
    return FailedError(FailedCode.LIBRARY_UNAVAILABLE, text)


class Bucket:
    """Objects below a prefix. Thread-safe."""

    def __init__(self, place: Place, client: "S3Client") -> None:
        self.place = place
        self.client = client

    def close(self) -> None:
        """Close the connections that are kept open."""
        self.client.close()

    def key(self, name: str) -> str:
        """Return a name with the prefix before it."""
        return f"{self.place.prefix}{name}"

    def options(self) -> dict[str, Any]:
        """Return what every new object is made with."""
        return {"StorageClass": self.place.storage_class} if self.place.storage_class else {}

    def head(self, name: str, *, version_id: str | None = None) -> Head:
        """Ask for an object, or for one version of it.

        Raises:
            FailedError: `object_missing` and those of `translated`.

        """
        with translated(f"HEAD {name}"):
            found = self.client.head_object(
                Bucket=self.place.bucket,
                Key=self.key(name),
                ChecksumMode="ENABLED",
                **_version(version_id),
            )
        metadata = {name.lower(): value for name, value in found.get("Metadata", {}).items()}
        return Head(found["ContentLength"], found["ETag"], _whole_sum(found), metadata)

    def create(self, name: str, path: Path, ref: ObjectRef) -> None:
        """Send a file in one request that S3 checks against the file's SHA-256.

        Raises:
            ExistsError: There is an object of that name; it is as it was.
            ConflictError: Another request is making it.
            FailedError: Those of `translated`.

        """
        with path.open("rb") as body, translated(f"PUT {name}"):
            self.client.put_object(
                Bucket=self.place.bucket,
                Key=self.key(name),
                Body=body,
                ContentLength=ref.size_bytes,
                ChecksumSHA256=base64.b64encode(bytes.fromhex(ref.sha256)).decode(),
                IfNoneMatch="*",
                **self.options(),
            )

    def create_text(self, name: str, text: str) -> None:
        """Create a small object; raises as `create`."""
        self._put_text(name, text, IfNoneMatch="*")

    def replace_text(self, name: str, text: str) -> None:
        """Write a small object, whatever was there.

        Raises:
            FailedError: Those of `translated`.

        """
        self._put_text(name, text)

    def exchange_text(self, name: str, text: str, *, etag: str) -> None:
        """Write a small object in place of the one that has this ETag.

        Raises:
            ExistsError: There is another one by now; it is as it was.
            ConflictError: Another request is making it, or it is gone.
            FailedError: Those of `translated`.

        """
        try:
            self._put_text(name, text, IfMatch=etag)
        except FailedError as error:
            if error.code is not FailedCode.OBJECT_MISSING:
                raise
            raise ConflictError(error.detail) from error

    def _put_text(self, name: str, text: str, **condition: Any) -> None:  # noqa: ANN401 - boto3's
        with translated(f"PUT {name}"):
            self.client.put_object(
                Bucket=self.place.bucket,
                Key=self.key(name),
                Body=text.encode(),
                ContentType="application/json",
                **condition,
            )

    def read_text(self, name: str) -> str | None:
        """Read a small object, None when there is none; raises as `read_version`."""
        found = self.read_version(name)
        return None if found is None else found.text

    def read_version(self, name: str) -> Version | None:
        """Read a small object in one request, None when there is none.

        Raises:
            FailedError: Those of `translated`.

        """
        for left in reversed(range(_READS)):
            try:
                with translated(f"GET {name}"):
                    found = self.client.get_object(Bucket=self.place.bucket, Key=self.key(name))
            except FailedError as error:
                if error.code is not FailedCode.OBJECT_MISSING:
                    raise
                return None
            try:
                with translated(f"GET {name}"), closing(found["Body"]) as body:
                    return Version(body.read().decode(), found["ETag"])
            except FailedError as error:
                if left == 0:
                    raise
                _logger.warning("reading %s again: %s", name, error)
        raise AssertionError

    def read(self, name: str, *, version_id: str | None = None) -> Iterator[bytes]:
        """Read an object through; a connection that breaks off is continued.

        Raises:
            FailedError: `object_missing`, also when it is replaced meanwhile, and those of
                `translated`.

        """
        try:
            yield from self._read(name, version_id)
        except ExistsError as error:
            raise FailedError(FailedCode.OBJECT_MISSING, f"{name} was replaced") from error

    def _read(self, name: str, version_id: str | None = None) -> Iterator[bytes]:
        head = self.head(name, version_id=version_id)
        offset = 0
        for left in reversed(range(_READS)):
            try:
                for chunk in self._read_from(name, head, offset, version_id):
                    offset += len(chunk)
                    yield chunk
            except FailedError as error:
                if left == 0 or error.code is not FailedCode.LIBRARY_UNAVAILABLE:
                    raise
                _logger.warning("going on with %s at byte %d: %s", name, offset, error)
            else:
                return

    def _read_from(
        self, name: str, head: Head, offset: int, version_id: str | None
    ) -> Iterator[bytes]:
        if offset == head.size_bytes:
            return
        with translated(f"GET {name}"):
            found = self.client.get_object(
                Bucket=self.place.bucket,
                Key=self.key(name),
                Range=f"bytes={offset}-",
                IfMatch=head.etag,
                **_version(version_id),
            )
            with closing(found["Body"]) as body:
                yield from body.iter_chunks(_CHUNK_BYTES)

    def remove(self, name: str) -> None:
        """Remove an object; that it is gone already is fine.

        Raises:
            FailedError: Those of `translated`.

        """
        with translated(f"DELETE {name}"):
            self.client.delete_object(Bucket=self.place.bucket, Key=self.key(name))

    def names(self, start: str, *, limit: int, after: str = "") -> list[str]:
        """Return what follows `start` in the names of objects that begin with it, in order.

        Args:
            start: What they begin with.
            limit: The most that are returned.
            after: The one to go on after; the first ones by default.

        Raises:
            FailedError: Those of `translated`.

        """
        begin = self.key(start)
        with translated(f"LIST {start}"):
            found = self.client.list_objects_v2(
                Bucket=self.place.bucket, Prefix=begin, MaxKeys=limit, StartAfter=begin + after
            )
        return [one["Key"].removeprefix(begin) for one in found.get("Contents", [])]

    def is_blank(self) -> bool:
        """Tell whether nothing is below the prefix.

        Raises:
            FailedError: Those of `translated`; `volume_missing` where there is no bucket.

        """
        with translated(f"LIST {self.place}"):
            found = self.client.list_objects_v2(
                Bucket=self.place.bucket, Prefix=self.place.prefix, MaxKeys=1
            )
        return not found["KeyCount"]

    def download_url(self, name: str, *, disposition: str, media_type: str, expires_s: int) -> str:
        """Return an address that anybody may read an object from, for a time."""
        with translated(f"sign {name}"):
            return self.client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self.place.bucket,
                    "Key": self.key(name),
                    "ResponseContentDisposition": disposition,
                    "ResponseContentType": media_type,
                    "ResponseCacheControl": "private, no-store",
                },
                ExpiresIn=expires_s,
            )


def _version(version_id: str | None) -> Any:  # noqa: ANN401 - a part of a request
    return {} if version_id is None else {"VersionId": version_id}


def _whole_sum(found: Any) -> str | None:  # noqa: ANN401 - a head_object or get_object answer
    told = found.get("ChecksumSHA256")
    if not told or "-" in told or found.get("ChecksumType") == "COMPOSITE":
        return None
    return base64.b64decode(told).hex()


def connect(place: Place) -> Bucket:
    """Return a bucket, with credentials from where AWS's own tools take them.

    Raises:
        FailedError: `library_unavailable`, when the extra `aws` is not installed.

    """
    try:
        import boto3.session  # noqa: PLC0415 - comes with the extra `aws`
        from botocore.config import Config  # noqa: PLC0415 - as above
    except ImportError as error:
        raise FailedError(
            FailedCode.LIBRARY_UNAVAILABLE, f"{place} needs the extra `sarau[aws]`: {error}"
        ) from error
    config = Config(
        connect_timeout=5,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 4},
        max_pool_connections=16,
        signature_version="s3v4",
        s3={"addressing_style": "path" if place.endpoint else "auto"},
    )
    client = boto3.session.Session().client(
        "s3", endpoint_url=place.endpoint, region_name=place.region, config=config
    )
    return Bucket(place, client)
