"""Looks at volumes and buckets, none of which waits long for a disk that hangs."""

from collections.abc import Sequence
from typing import Final

from sarau.errors import FailedCode
from sarau.library import Library
from sarau.library.lookout import Lookout
from sarau.storage import Volume, VolumeStatus

_WAIT_S: Final = 3.0
"""Longer than a library's own look at its bucket, which knows better what is wrong."""


class Places:
    """Everything that has a role, and may be full, away, somebody else's or silent. Thread-safe."""

    def __init__(self, places: Sequence[Volume | Library]) -> None:
        self._lookouts = {
            place.role: Lookout(
                place.check, _not_seen, silent=FailedCode.DISK_TIMEOUT, keep_s=0.0, wait_s=_WAIT_S
            )
            for place in places
        }

    def look(self) -> dict[str, VolumeStatus]:
        """Return the state of each place by its role, `disk_timeout` where nothing answers."""
        return {role: lookout.answer() for role, lookout in self._lookouts.items()}


def _not_seen(code: FailedCode, detail: str) -> VolumeStatus:
    return VolumeStatus(ok=False, free_bytes=0, free_inodes=0, code=code, detail=detail)
