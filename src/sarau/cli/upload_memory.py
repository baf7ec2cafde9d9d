"""What `sarau upload` remembers: which upload was begun for which local file."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from sarau.cli.exits import language
from sarau.cli.names import shown
from sarau.cli.terminal_text import said


@dataclass(frozen=True, slots=True)
class Begun:
    """An upload at its server, and the track that it makes."""

    url: str
    track: str


class UploadMemory:
    """A journal with a line for each upload that was begun; the last one of a key counts.

    Calls at the same time write to it at its end, and lose nothing of each other's. Where it
    cannot be read or written, uploads go on without it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_lost = False
        self._known: dict[str, Begun] | None = None

    def get(self, key: str) -> Begun | None:
        """Return what was begun last under a key."""
        if self._known is None:
            self._known = self._read()
        return self._known.get(key)

    def put(self, key: str, begun: Begun) -> None:
        """Remember what was begun."""
        if self._known is not None:
            self._known[key] = begun
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a") as file:
                # A line that a power cut left half is ended by the break before the next one.
                file.write(f"\n{json.dumps({'key': key, **asdict(begun)})}")
        except OSError as error:
            self._warn(error)

    def _read(self) -> dict[str, Begun]:
        try:
            lines = self._path.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return {}
        except OSError as error:
            self._warn(error)
            return {}
        return dict(found for line in lines if (found := _parsed(line)) is not None)

    def _warn(self, error: OSError) -> None:
        """Say once that another call will not know of this one."""
        if not self._is_lost:
            print(f"sarau: {said('forgetful', language(), why=shown(str(error)))}", file=sys.stderr)
        self._is_lost = True


def _parsed(line: str) -> tuple[str, Begun] | None:
    try:
        found = json.loads(line)
        return str(found["key"]), Begun(str(found["url"]), str(found["track"]))
    except (ValueError, LookupError, TypeError):
        return None
