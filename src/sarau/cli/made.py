"""What earlier calls made, as the receipts tell it."""

from itertools import takewhile
from pathlib import Path

from sarau.cli import drafts, receipts

HLS_SUFFIX = ".hls"
"""What the folder of a set is called."""


class Made:
    """Tells renditions from sources; each folder is looked at once."""

    def __init__(self) -> None:
        self._sizes_bytes: dict[Path, dict[str, set[int]]] = {}
        """Of each folder, by the names in it."""

    def has(self, where: Path, root: Path) -> bool:
        """Tell whether a file in `root` is a rendition of ours, finished or not.

        One of another size is what somebody has put in its place.
        """
        if any(map(drafts.is_room, takewhile(root.__ne__, where.parents))):
            return True
        if where.parent.suffix == HLS_SUFFIX and self._sizes_of(where.parent):
            return True
        sizes_bytes = self._sizes_of(where)
        try:
            return bool(sizes_bytes) and where.stat().st_size in sizes_bytes
        except OSError:
            return True

    def _sizes_of(self, where: Path) -> set[int]:
        """Return how long a receipt beside a file, or beside an HLS set's folder, says it is."""
        folder = where.parent
        if folder not in self._sizes_bytes:
            self._sizes_bytes[folder] = receipts.made_in(folder)
        return self._sizes_bytes[folder].get(where.name, set())
