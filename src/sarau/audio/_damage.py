"""The rule for damage: what a file may lack and still be taken.

1. Structure. Where the container states its size (WAV, AIFF, W64, CAF, AU, MP4,
   Matroska, ASF, APE), its length (FLAC, WavPack, TTA, APE, and to three frames MP3
   with a Xing header) or marks its end (Ogg), a file that has less is `truncated`.
   Sizes that a program writing to a pipe leaves behind (0, 0x7ffff000 and up) claim
   nothing, nor do those that say that nobody knows (CAF, AU, Matroska, ASF). ADTS,
   and MP3 without such a header, state nothing.
2. Checksums. A FLAC whose MD5 differs, or an Ogg page whose CRC does, is `corrupt`.
3. Decoding. Packets that cannot be decoded within the first second, as cut streams have
   them, are a warning (`damaged_start`). So are those in the last second of a raw stream
   (MP3, ADTS), where junk hides (`damaged_end`). Anywhere else they make it `corrupt`. Where
   all that a FLAC or an MP3's Xing header promises was decoded, and nothing more, they are
   junk; behind what an MP3 promises they are so, too.
4. Sync. Bytes between MP3 frames that belong to no frame and no tag, and jumps in the
   numbers of FLAC frames, count as rule 3. Where MP3 files were simply joined, the frames
   at the seam may fail (`joined_files`).
5. Tags and padding after the sound are nobody's concern.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sarau.errors import RejectedCode, RejectedError

START_S: Final = 1.0
END_S: Final = 1.0
_SEAM_S: Final = 0.2
_RAW_STREAMS: Final = {"mp3", "aac"}
_LENGTH_SLACK_SAMPLES: Final = {"mp3": 3 * 1152}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a container says about itself; None where it says nothing."""

    sample_rate_hz: int | None = None
    channels: int | None = None
    bit_depth: int | None = None
    samples: int | None = None
    md5: bytes | None = None
    """Of the decoded samples."""
    seams_s: tuple[float, ...] = ()
    """Where one file was appended to another."""
    links_at: tuple[int, ...] = ()
    """Bytes at which Ogg streams after the first begin, where several are chained."""
    only_page_end: int | None = None
    """The last sample, where all sound of an Ogg stream is in one page."""
    fragmented: bool = False
    """An MP4 whose index does not know the whole length."""
    warnings: tuple[str, ...] = ()

    def with_warning(self, word: str) -> "Claims":
        """Return these claims and a warning."""
        return replace(self, warnings=(*self.warnings, word))

    def with_samples(self, samples: int) -> "Claims":
        """Return these claims and a length."""
        return replace(self, samples=samples)


def judge(
    container: str,
    claims: Claims,
    *,
    samples: int,
    sample_rate_hz: int,
    bad_at_s: Sequence[float],
    md5: bytes | None,
) -> tuple[str, ...]:
    """Return the warnings for a file that was decoded to its end.

    Raises:
        RejectedError: `no_samples`, `truncated` or `corrupt`, by the rule above.

    """
    promised = claims.samples or 0
    duration_s = samples / sample_rate_hz
    short = samples + _LENGTH_SLACK_SAMPLES.get(container, 0) < promised
    if samples == 0 and not short:
        code = RejectedCode.CORRUPT if bad_at_s else RejectedCode.NO_SAMPLES
        raise RejectedError(code, "nothing could be decoded")
    warnings = list(claims.warnings)
    junk_from_s = _junk_from_s(container, claims, md5, samples, sample_rate_hz)
    for position_s in bad_at_s:
        at_end = position_s >= duration_s - (END_S if container in _RAW_STREAMS else 0)
        if position_s >= junk_from_s or (short and at_end):
            continue  # Junk, or the end of what is said to be missing below.
        if position_s < START_S:
            warnings.append("damaged_start")
        elif at_end and container in _RAW_STREAMS:
            warnings.append("damaged_end")
        elif not any(abs(position_s - seam_s) < _SEAM_S for seam_s in claims.seams_s):
            detail = f"{len(bad_at_s)} damaged packets, one at {position_s:.1f} s"
            raise RejectedError(RejectedCode.CORRUPT, detail)
    if short:
        raise RejectedError(RejectedCode.TRUNCATED, f"{samples} of {promised} samples")
    if claims.md5 is not None and md5 is not None and claims.md5 != md5:
        raise RejectedError(
            RejectedCode.CORRUPT, "the MD5 of the samples differs from the header's"
        )
    return tuple(dict.fromkeys(warnings))


def _junk_from_s(
    container: str, claims: Claims, md5: bytes | None, samples: int, sample_rate_hz: int
) -> float:
    """Return from where on what fails is junk, as all of the sound is proven to be there."""
    slack = _LENGTH_SLACK_SAMPLES.get(container, 0)
    if claims.samples is None or samples + slack < claims.samples:
        return math.inf
    if container == "flac" and claims.md5 == md5 is not None:
        return 0.0
    if container != "mp3":
        return math.inf
    if samples <= claims.samples and not claims.seams_s:
        return 0.0
    # More than the header knows of: what was decoded behind it makes up for nothing in it.
    return (claims.samples - slack) / sample_rate_hz
