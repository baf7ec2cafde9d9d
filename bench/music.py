"""What is measured: excerpts of real music, as 16 bit FLAC at 44.1 kHz."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.music import real_music

CACHE = Path(__file__).parent / ".cache"


@dataclass(frozen=True)
class Piece:
    """A piece of a Debian package, and how far into it the excerpt begins."""

    package: str
    name: str
    kind: str
    start_s: int = 30


PIECES = (
    Piece("asc-music", "frontiers.mp3", "orchestral, from MP3"),
    Piece("asc-music", "machine_wars.mp3", "electronic, from MP3"),
    Piece("asc-music", "time_to_strike.mp3", "Time to Strike, from MP3"),
    Piece("hyperrogue-music", "hr3-hell.ogg", "loud, from Vorbis"),
    Piece("hyperrogue-music", "hr3-desert.ogg", "Desert, from Vorbis", 20),
    Piece("hyperrogue-music", "hr3-mirror.ogg", "Mirror, from Vorbis", 20),
    Piece("hyperrogue-music", "hr-domina-mountain.ogg", "Mountain, from Vorbis"),
    Piece("singularity-music", "By-Product.ogg", "ambient, from Vorbis"),
)


def whole(piece: Piece) -> Path:
    """Return the file as it is in the package."""
    return next(path for path in real_music(piece.package) if path.name == piece.name)


def excerpt(piece: Piece, seconds: float) -> Path:
    """Return an excerpt, made anew each time."""
    CACHE.mkdir(exist_ok=True)
    target = CACHE / f"{piece.name.partition('.')[0]}.flac"
    command = ["ffmpeg", "-v", "error", "-y", "-ss", str(piece.start_s), "-t", str(seconds)]
    command += ["-i", str(whole(piece)), "-vn", "-ar", "44100", "-ac", "2", "-sample_fmt", "s16"]
    subprocess.run([*command, str(target)], check=True)
    return target
