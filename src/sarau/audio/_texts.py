"""Texts that others wrote into a file: what they say, whatever their encoding."""

import re
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
OLD_ENCODING: Final = "cp1252"
"""Of texts that are not UTF-8: WAV's INFO and ID3v1 have no way to say what they are in."""


def readable(raw: str) -> str:
    """Return a text of FFmpeg's, whose bytes PyAV keeps as surrogates where they are not UTF-8."""
    data = raw.encode("utf-8", "surrogateescape")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode(OLD_ENCODING, "replace")
    return _CONTROL.sub(" ", text)
