"""Chromaprint's text form of a fingerprint: what its program prints and AcoustID takes."""

import base64
from collections.abc import Iterable, Iterator
from typing import Final

from sarau.model.fingerprint import ITEM_S, Fingerprint

LOOKED_UP_S: Final = 120
"""AcoustID is asked by the first two minutes."""
_ALGORITHM: Final = 1
"""What number 2 of the algorithms is called in the text."""
_WINDOW_ITEMS: Final = 22
"""Items that the last window, the smoothing and the filters take: they end before the sound."""
_NORMAL_BITS, _MORE_BITS = 3, 5
_HIGHEST_NORMAL: Final = (1 << _NORMAL_BITS) - 1


def chromaprint_text(fingerprint: Fingerprint, *, length_s: int = LOOKED_UP_S) -> str:
    """Return the items of the first `length_s` of the sound, compressed, in base 64.

    Each item is told by where the bits are in which it differs from the one before: the
    distance from the last such bit, 3 bits each and 0 at the end; what is over 6 goes on
    in 5 bits of a second list.
    """
    items = fingerprint.values()[: max(0, int(length_s / ITEM_S) - _WINDOW_ITEMS + 1)]
    normal: list[int] = []
    more: list[int] = []
    for before, item in zip((0, *items), items, strict=False):
        for distance in _distances(before ^ item):
            normal.append(min(distance, _HIGHEST_NORMAL))
            if distance >= _HIGHEST_NORMAL:
                more.append(distance - _HIGHEST_NORMAL)
        normal.append(0)
    head = bytes([_ALGORITHM]) + len(items).to_bytes(3, "big")
    whole = head + _packed(normal, _NORMAL_BITS) + _packed(more, _MORE_BITS)
    return base64.urlsafe_b64encode(whole).rstrip(b"=").decode()


def _distances(bits: int) -> Iterator[int]:
    """Yield how far each bit that is set is from the one below it, counted from 1."""
    last = 0
    for place in range(1, bits.bit_length() + 1):
        if bits >> (place - 1) & 1:
            yield place - last
            last = place


def _packed(values: Iterable[int], width: int) -> bytes:
    """Return values side by side, the first in the lowest bits."""
    held = count = 0
    out = bytearray()
    for value in values:
        held |= value << count
        count += width
        while count >= 8:  # noqa: PLR2004 - a byte
            out.append(held & 0xFF)
            held, count = held >> 8, count - 8
    return bytes(out) + (bytes([held]) if count else b"")
