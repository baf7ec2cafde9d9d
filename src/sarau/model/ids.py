"""Identifiers: 32 lower-case characters that sort by creation and cannot be guessed."""

import re
import secrets
from typing import NewType

from sarau.model.clock import now

UserId = NewType("UserId", str)
UploadId = NewType("UploadId", str)
TrackId = NewType("TrackId", str)
RunId = NewType("RunId", str)
RenditionId = NewType("RenditionId", str)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS = range(150, -1, -10)
_SHAPE = re.compile(f"[{_ALPHABET}]{{32}}")

LOCAL_USER_ID = UserId("local")
"""The one user of an installation without accounts; owns everything made before them."""


def new_id() -> str:
    """Return 48 bits of time in milliseconds and 112 random bits, in base 32."""
    number = (int(now().timestamp() * 1000) & (1 << 48) - 1) << 112 | secrets.randbits(112)
    return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])


def is_id(text: str) -> bool:
    """Tell whether `text` has the shape of an identifier (it may still name nothing)."""
    return _SHAPE.fullmatch(text) is not None
