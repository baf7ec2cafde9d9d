"""The places for objects that a contract is held against."""

import uuid
from dataclasses import replace
from pathlib import Path

from sarau.library import DiskLibrary, Place, S3Library, connect, open_bucket
from sarau.library.bucket import Bucket
from sarau.storage import Volume

CACHE_BYTES = 1 << 20


def new_bucket(url: str, prefix: str = "lib/", **options: str) -> Bucket:
    """Make a bucket of a new name."""
    place = Place(f"sarau-{uuid.uuid4().hex}", prefix, endpoint=url, region="us-east-1")
    bucket = connected(replace(place, **options))  # type: ignore[arg-type] # texts are what it takes
    bucket.client.create_bucket(Bucket=place.bucket)
    return bucket


_connected: list[Bucket] = []


def connected(place: Place) -> Bucket:
    """Connect to a bucket, until the test ends."""
    _connected.append(connect(place))
    return _connected[-1]


def disconnect() -> None:
    while _connected:
        _connected.pop().close()


def s3_library(bucket: Bucket, directory: Path, **options: int) -> S3Library:
    return S3Library(
        bucket,
        Volume.open(directory, "cache", reserve_bytes=0),
        volume_id=open_bucket(bucket, None),
        **{"cache_bytes": CACHE_BYTES, **options},
    )


def disk_library(directory: Path) -> DiskLibrary:
    return DiskLibrary(Volume.open(directory, "library", reserve_bytes=0))


def local_bytes(library: DiskLibrary | S3Library, sha256: str) -> bytes:
    with library.local(sha256) as path:
        return path.read_bytes()
