"""What earlier calls made, as the receipts tell it."""

from collections.abc import Collection
from itertools import takewhile
from pathlib import Path

from sarau.cli import drafts, ours, receipts

HLS_SUFFIX = ".hls"
"""What the folder of a set is called."""


class Made:
    """Tells renditions from sources; each folder is looked at once."""

    def __init__(self) -> None:
        self._names: dict[Path, ours.Names] = {}
        """Of all that was made in each folder."""

    def has(self, where: Path, root: Path) -> bool:
        """Tell whether a file in `root` is a rendition of ours, finished or not.

        One of another size is what somebody has put in its place.
        """
        if any(map(drafts.is_room, takewhile(root.__ne__, where.parents))):
            return True
        try:
            sizes_bytes = self._sizes_of(where)
            return bool(sizes_bytes) and where.stat().st_size in sizes_bytes
        except OSError:
            return True

    def _sizes_of(self, where: Path) -> Collection[int]:
        """Return how long a receipt beside a file, or beside an HLS set's folder, says it is."""
        folder = where.parent
        if folder.suffix == HLS_SUFFIX and folder.name in self._names_in(folder.parent):
            return ours.files_of(folder, self._names_in(folder.parent)).get(where, ())
        return self._names_in(folder).get(where.name, ())

    def _names_in(self, folder: Path) -> ours.Names:
        if folder not in self._names:
            self._names[folder] = receipts.made_in(folder)
        return self._names[folder]
