"""Disk E: definitive, content-addressed, write-once storage, and the room to work in."""

from sarau.library.bucket import Place, connect
from sarau.library.disk import DiskLibrary
from sarau.library.s3 import S3Library, open_bucket
from sarau.library.store import ObjectRef, ObjectStore

Library = DiskLibrary | S3Library

__all__ = [
    "DiskLibrary",
    "Library",
    "ObjectRef",
    "ObjectStore",
    "Place",
    "S3Library",
    "connect",
    "open_bucket",
]
