"""Volumes and durable file operations, shared by disk D (intake) and disk E (library)."""

from sarau.storage.volume import Volume, VolumeStatus

__all__ = ["Volume", "VolumeStatus"]
