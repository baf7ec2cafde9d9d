"""Acoustic fingerprints: what they are made of, what they are found by, how two compare."""

import struct
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

ITEM_S: Final = 1365 / 11_025
"""How far apart two items are."""
MOST_MARKS: Final = 64
"""Of one fingerprint, however long it is: what the index of a catalog grows by."""

_ITEM_BYTES: Final = 4
_ITEM_BITS: Final = 32
_MOST_ITEMS: Final = 3700 * 11_025 // 1365
"""An hour and what of the last frame goes beyond it."""
_FEWEST_DISTINCT: Final = 16
_MOST_REPEATS: Final = 8
_TRIED_OFFSETS: Final = 3
_BLOCK: Final = 16
_SAME_BLOCK: Final = 0.2
_SAME_SHARE: Final = 0.5
_LOWEST_SCORE: Final = 0.7
_SHORTEST_ITEMS: Final = 32


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Chromaprint's items of the first hour of a recording, 8.08 a second."""

    items: bytes
    """32 bits each, little-endian; each stands for about 2.6 s from its place on."""

    def __post_init__(self) -> None:
        """Refuse what no hour of sound gives: it was made beside an untrusted file.

        Raises:
            ValueError: Broken or too many items.

        """
        if len(self.items) % _ITEM_BYTES or len(self) > _MOST_ITEMS:
            raise ValueError(f"{len(self.items)} bytes are no fingerprint")

    def __len__(self) -> int:
        """Return how many items there are."""
        return len(self.items) // _ITEM_BYTES

    def values(self) -> tuple[int, ...]:
        """Return the items as numbers."""
        return struct.unpack(f"<{len(self)}I", self.items)

    def marks(self) -> list[int]:
        """Return up to 64 numbers of 32 bits by which a fingerprint like this one is found.

        They are the items with the lowest checksums: two recordings of the same sound choose
        the same ones wherever each of them begins. Silence and steady tones have none.
        """
        distinct = set(self.values())
        if len(distinct) < _FEWEST_DISTINCT:
            return []
        sums = (zlib.crc32(item.to_bytes(_ITEM_BYTES, "little")) for item in distinct)
        return sorted(sums)[:MOST_MARKS]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much one recording sounds like another."""

    score: float
    """1 for the same bits, 0 for what chance gives; of the part that both have."""
    offset_s: float
    """How much later a sound comes in the other one; negative when it comes earlier."""
    matched_s: float
    """How much of both is the same."""


def compare(one: Fingerprint, other: Fingerprint) -> Likeness | None:
    """Return how much `one` sounds like `other`, None when they are different recordings.

    At least half of the shorter one has to be found in the other, in the same order and at
    the same speed. A block of two seconds is the same when at most a fifth of its bits differ.
    Two drones may agree so well for a while, but not as closely as two copies do.
    """
    if min(len(one), len(other)) < _SHORTEST_ITEMS:
        return None
    found = max(
        (_at(one, other, offset) for offset in _offsets(one, other)),
        key=lambda likeness: (likeness.matched_s, likeness.score),
        default=None,
    )
    needed_s = _SAME_SHARE * ITEM_S * min(len(one), len(other))
    if found is None or found.matched_s < needed_s or found.score < _LOWEST_SCORE:
        return None
    return found


def _offsets(one: Fingerprint, other: Fingerprint) -> list[int]:
    """Return where `one` may lie in `other`, in items: where most of their items agree."""
    places: dict[int, list[int]] = defaultdict(list)
    for place, item in enumerate(other.values()):
        places[item].append(place)
    votes: Counter[int] = Counter()
    for place, item in enumerate(one.values()):
        found = places.get(item, [])
        # What comes again and again (a held chord, silence) says nothing of a place.
        if len(found) <= _MOST_REPEATS:
            votes.update(there - place for there in found)
    best = [offset for offset, _ in votes.most_common(_TRIED_OFFSETS)]
    return sorted({near for offset in best for near in (offset - 1, offset, offset + 1)})


def _at(one: Fingerprint, other: Fingerprint, offset: int) -> Likeness:
    same = errors = 0
    for wrong in _block_errors(one, other, offset):
        if wrong <= _SAME_BLOCK * _BLOCK * _ITEM_BITS:
            same, errors = same + 1, errors + wrong
    if not same:
        return Likeness(0.0, round(offset * ITEM_S, 2), 0.0)
    share = errors / (same * _BLOCK * _ITEM_BITS)
    return Likeness(
        round(max(0.0, 1 - 2 * share), 3),
        round(offset * ITEM_S, 2),
        round(same * _BLOCK * ITEM_S, 1),
    )


def _block_errors(one: Fingerprint, other: Fingerprint, offset: int) -> Iterator[int]:
    """Yield how many bits differ in each block of 16 items that both have."""
    start, end = max(0, -offset), min(len(one), len(other) - offset)
    size = _BLOCK * _ITEM_BYTES
    for place in range(start * _ITEM_BYTES, end * _ITEM_BYTES - size + 1, size):
        there = place + offset * _ITEM_BYTES
        left = int.from_bytes(one.items[place : place + size], "little")
        yield (left ^ int.from_bytes(other.items[there : there + size], "little")).bit_count()
