"""Disk E: definitive, content-addressed, write-once storage, and the room to work in."""

from sarau.library.disk import DiskLibrary
from sarau.library.store import ObjectRef, ObjectStore

__all__ = ["DiskLibrary", "ObjectRef", "ObjectStore"]
