"""Real music: free, from Debian's archive, downloaded once and never installed."""

import os
import subprocess
from pathlib import Path

_CACHE = Path(__file__).parent / ".music"
PACKAGE = "asc-music"
"""Three MP3s of the game Advanced Strategic Command, GPL-2+ (see its copyright file)."""


def real_music(package: str = PACKAGE) -> list[Path]:
    """Return the music of a Debian package: MP3 or Vorbis.

    Raises:
        subprocess.CalledProcessError: when the package cannot be had; a test that
            needs real music fails then.

    """
    place = _CACHE / package
    if not place.exists():
        _CACHE.mkdir(exist_ok=True)
        draft = _CACHE / f"{package}.{os.getpid()}"
        draft.mkdir()
        subprocess.run(
            ["apt-get", "download", "-q", package], cwd=draft, check=True, capture_output=True
        )
        (archive,) = draft.glob("*.deb")
        subprocess.run(["dpkg", "-x", archive.name, "files"], cwd=draft, check=True)
        try:
            (draft / "files").rename(place)
        except OSError:
            assert place.exists()  # another worker was faster
    return sorted(path for path in place.rglob("*") if path.suffix in {".mp3", ".ogg"})


def excerpts(place: Path, *, lasts_s: float = 30) -> list[Path]:
    """Cut the beginning of each piece, as it was encoded, and put it into `place`."""
    made = []
    for path in real_music():
        made.append(place / path.name)
        cut = ["-i", str(path), "-t", str(lasts_s), "-c", "copy", str(made[-1])]
        subprocess.run(["ffmpeg", "-v", "error", *cut], check=True)
    return made
