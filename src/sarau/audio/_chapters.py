"""Chapters: read the same from every container, written the way each format's players read them.

What is kept of a chapter is where it begins and what it is called. It ends where the next
one begins, the last one with the sound: overlaps and gaps do not outlive a rendition.
MP3: CHAP and CTOC (ID3v2 Chapter Frame Addendum 1.0). FLAC and Ogg: the comments
CHAPTER001 and CHAPTER001NAME. m4a: a QuickTime text track and Nero's `chpl`, both written
by the muxer.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from av.container import InputContainer, OutputContainer
from mutagen import id3

from sarau.audio._texts import readable
from sarau.audio._types import Chapter

MAX_CHAPTERS: Final = 255
"""What CTOC and chpl can count."""
_MAX_TITLE: Final = 120
_MAX_TITLE_BYTES: Final = 255
"""What chpl can count of a title."""
_MAX_FRAME_BYTES: Final = 120
"""Of a title in ID3: FFmpeg takes the sizes of frames within frames for plain ones, which
they are under 128, and drops what is longer."""
_ID3_HEAD_BYTES: Final = 10
_MAX_JSON_BYTES: Final = 40_000
"""Of all titles: they travel to the child that renders."""
_SPACE: Final = re.compile(r"[\x00-\x1f\x7f]")
_MS: Final = 1000
_NO_OFFSET: Final = 0xFFFFFFFF
IS_CHAPTER_TAG: Final = re.compile(r"chapter\d{2,3}(?:name|url)?")
"""A comment that is a chapter, and so no tag."""


@dataclass(frozen=True, slots=True)
class _Span:
    start_ms: int
    end_ms: int
    title: str


def read_chapters(container: InputContainer, duration_s: float) -> tuple[Chapter, ...]:
    """Return the chapters of a source that begin within its sound, in their order; bounded."""
    found: dict[int, str] = {}
    for raw in container.chapters():
        time_base = raw["time_base"]
        if not time_base or len(found) >= MAX_CHAPTERS:
            continue
        start_ms = round(raw["start"] * time_base * _MS)
        if 0 <= start_ms < duration_s * _MS:
            found.setdefault(start_ms, _title(raw["metadata"].get("title", "")))
    room = _MAX_JSON_BYTES
    chapters = []
    for start_ms, title in sorted(found.items()):
        room -= len(json.dumps(title))
        chapters.append(Chapter(start_ms / _MS, title if room >= 0 else ""))
    return tuple(chapters)


def _title(text: str) -> str:
    title = _SPACE.sub(" ", readable(text)).strip()[:_MAX_TITLE]
    return title.encode()[:_MAX_TITLE_BYTES].decode(errors="ignore")


def chapter_comments(chapters: Sequence[Chapter]) -> dict[str, str]:
    """Return the comments of FLAC and Ogg that say the chapters."""
    comments = {}
    for number, chapter in enumerate(chapters, 1):
        minutes, ms = divmod(round(chapter.start_s * _MS), 60 * _MS)
        name = f"CHAPTER{number:03}"
        comments[name] = f"{minutes // 60:02}:{minutes % 60:02}:{ms // _MS:02}.{ms % _MS:03}"
        comments[f"{name}NAME"] = chapter.title
    return comments


def chapter_frames(chapters: Sequence[Chapter], duration_s: float) -> Iterator[Any]:
    """Yield the ID3 frames that say the chapters."""
    if not chapters:
        return
    names = [f"chp{number}" for number in range(len(chapters))]
    flags = id3.CTOCFlags.TOP_LEVEL | id3.CTOCFlags.ORDERED
    yield id3.CTOC(element_id="toc", flags=flags, child_element_ids=names, sub_frames=[])  # type: ignore[no-untyped-call] # mutagen is typed in part only
    spans = _spans(chapters, duration_s)
    for number, (name, span) in enumerate(zip(names, spans, strict=True), 1):
        # Without a title players show the name of the frame, and a number says more.
        title = span.title.encode()[:_MAX_FRAME_BYTES].decode(errors="ignore") or str(number)
        yield id3.CHAP(  # type: ignore[no-untyped-call] # as above
            element_id=name,
            start_time=span.start_ms,
            end_time=span.end_ms,
            start_offset=_NO_OFFSET,
            end_offset=_NO_OFFSET,
            sub_frames=[id3.TIT2(encoding=3, text=[title])],  # type: ignore[no-untyped-call] # as above
        )


def sort_chapter_frames(path: Path) -> None:
    """Put the chapters of the ID3v2.4 tag that begins a file into their order.

    Programs that do not read the table of contents, FFmpeg among them, show them in the
    order of the frames, and mutagen writes those by their size.
    """
    with path.open("r+b") as file:
        head = file.read(_ID3_HEAD_BYTES)
        if head[:4] != b"ID3\x04":
            return
        body = file.read(_synchsafe(head[6:]))
        frames, at = [], 0
        while body[at : at + 4].strip(b"\0"):
            length = _ID3_HEAD_BYTES + _synchsafe(body[at + 4 : at + 8])
            frames.append(body[at : at + length])
            at += length
        chapters = [frame for frame in frames if frame.startswith(b"CHAP")]
        if chapters:
            others = [frame for frame in frames if not frame.startswith(b"CHAP")]
            file.seek(_ID3_HEAD_BYTES)
            file.write(b"".join([*others, *sorted(chapters, key=_start_of)]))


def _synchsafe(field: bytes) -> int:
    return field[0] << 21 | field[1] << 14 | field[2] << 7 | field[3]


def _start_of(frame: bytes) -> bytes:
    """Return the start time of a CHAP frame, which stands behind its name."""
    at = frame.index(b"\0", _ID3_HEAD_BYTES) + 1
    return frame[at : at + 4]


def set_chapters(
    container: OutputContainer, chapters: Sequence[Chapter], duration_s: float
) -> None:
    """Have a muxer write the chapters; before its first packet."""
    container.set_chapters(
        [
            {
                "id": number,
                "start": span.start_ms,
                "end": span.end_ms,
                "time_base": Fraction(1, _MS),
                "metadata": {"title": span.title},
            }
            for number, span in enumerate(_spans(chapters, duration_s), 1)
        ]
    )


def _spans(chapters: Sequence[Chapter], duration_s: float) -> list[_Span]:
    starts = [round(chapter.start_s * _MS) for chapter in chapters]
    ends = [*starts, math.floor(duration_s * _MS)][1:]
    return [
        _Span(start, max(start, end), chapter.title)
        for start, end, chapter in zip(starts, ends, chapters, strict=True)
    ]
