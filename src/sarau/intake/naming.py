"""What a client says about a file: kept as it was sent, never used as a path."""

import unicodedata
from dataclasses import dataclass

from sarau.model.preset import DEFAULT_PRESET

_LONGEST = 1024
UNNAMED = "untitled"


@dataclass(frozen=True, slots=True)
class Description:
    """The name, the wish and the raw metadata of a file about to be sent."""

    filename: str = UNNAMED
    preset: str = DEFAULT_PRESET
    metadata_header: str | None = None
    """`Upload-Metadata` exactly as the client sent it."""
    sha256: str | None = None
    """What the client says the file's bytes come to, in hexadecimal; not to be trusted."""


def clean_filename(text: str) -> str:
    """Return the last part of a path, without control characters, at most 1024 characters long."""
    last = text.replace("\\", "/").rstrip("/").rpartition("/")[2]
    # Category C: control, format (right-to-left marks can disguise an extension), surrogates.
    shown = "".join(char for char in last if unicodedata.category(char)[0] != "C").strip()
    return shown[:_LONGEST] if shown.strip(".") else UNNAMED


def title_of(filename: str) -> str:
    """Return what a track is called before its tags are known: the name without its extension."""
    stem, dot, extension = filename.rpartition(".")
    return stem if dot and stem.strip() and len(extension) <= 5 else filename  # noqa: PLR2004 - `.aiff`
