"""SHA-256 of an upload that arrives in several requests, while this process lives.

A hasher's state cannot be saved. After a restart, or when too many uploads are
open, it is forgotten and the pipeline hashes the file instead.
"""

import hashlib
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from sarau.model.ids import UploadId

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

_MOST = 1000


class Hashers:
    """Hashers between two requests, each with the offset it stands at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[UploadId, tuple[int, Hash]] = OrderedDict()

    def take(self, upload_id: UploadId, offset_bytes: int) -> "Hash | None":
        """Return the hasher of the first `offset_bytes`, None when it is not known."""
        if offset_bytes == 0:
            return hashlib.sha256()
        with self._lock:
            found = self._kept.pop(upload_id, None)
        return found[1] if found is not None and found[0] == offset_bytes else None

    def keep(self, upload_id: UploadId, offset_bytes: int, hasher: "Hash") -> None:
        """Keep a hasher for the next request of its upload."""
        with self._lock:
            self._kept[upload_id] = offset_bytes, hasher
            self._kept.move_to_end(upload_id)
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)

    def forget(self, upload_id: UploadId) -> None:
        """Let go of the hasher of an upload that ended."""
        with self._lock:
            self._kept.pop(upload_id, None)
