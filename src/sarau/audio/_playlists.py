"""HLS playlists (RFC 8216) for fragmented MP4 in one file per rate, by ranges of bytes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_LEAST_OF_TARGET, _MOST_OF_TARGET = 0.5, 1.5
_HALF: Final = 0.5
"""Rounded up, where `round` would go to the even neighbour: 6.5 s are 7 to a player."""
_AAC_LC: Final = "mp4a.40.2"
_VERSION: Final = 7
"""EXT-X-MAP without I-frames asks for 6, fragmented MP4 for 7."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A fragment: where it lies in its file, and how long it sounds."""

    offset: int
    size_bytes: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class Variant:
    """One rate of a set."""

    playlist: str
    media: str
    init_bytes: int
    segments: tuple[Segment, ...]
    channels: int

    @property
    def duration_s(self) -> float:
        """How long it sounds."""
        return sum(each.duration_s for each in self.segments)


def target_s(variants: Sequence[Variant]) -> int:
    """Return the target duration: no segment, rounded, may be longer."""
    longest_s = max(each.duration_s for one in variants for each in one.segments)
    return max(1, math.floor(longest_s + _HALF))


def media_playlist(variant: Variant, target: int) -> str:
    """Return the playlist of one rate."""
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{_VERSION}",
        f"#EXT-X-TARGETDURATION:{target}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{variant.media}",BYTERANGE="{variant.init_bytes}@0"',
    ]
    for each in variant.segments:
        lines += [
            f"#EXTINF:{each.duration_s:.6f},",
            f"#EXT-X-BYTERANGE:{each.size_bytes}@{each.offset}",
            variant.media,
        ]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def multivariant_playlist(variants: Sequence[Variant], target: int) -> str:
    """Return the playlist of all rates, the highest first: players begin with it."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{_VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for each in sorted(variants, key=average_bps, reverse=True):
        rates = f"BANDWIDTH={peak_bps(each, target)},AVERAGE-BANDWIDTH={average_bps(each)}"
        lines += [f'#EXT-X-STREAM-INF:{rates},CODECS="{_AAC_LC}"', each.playlist]
    return "\n".join([*lines, ""])


def average_bps(variant: Variant) -> int:
    """Return all bytes of segments over all their time."""
    sizes = sum(each.size_bytes for each in variant.segments)
    return -int(-sizes * 8 // variant.duration_s)


def peak_bps(variant: Variant, target: int) -> int:
    """Return the largest rate of segments in a row that last 0.5 to 1.5 target durations.

    RFC 8216, 4.1: the peak segment bit rate. A set that is shorter than that has its average.
    """
    highest = average_bps(variant)
    segments = variant.segments
    for start in range(len(segments)):
        duration_s, size_bytes = 0.0, 0
        for each in segments[start:]:
            duration_s += each.duration_s
            size_bytes += each.size_bytes
            if duration_s > _MOST_OF_TARGET * target:
                break
            if duration_s >= _LEAST_OF_TARGET * target:
                highest = max(highest, -int(-size_bytes * 8 // duration_s))
    return highest
