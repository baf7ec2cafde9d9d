# mypy: disable-error-code="no-untyped-call, attr-defined, var-annotated, redundant-expr"
# ruff: noqa: ANN401 - mutagen is typed in part only
"""Tags of a source: the same names from every container, texts bounded.

FFmpeg reads them, but of several values of one name it keeps the first, or joins them by a
semicolon, which may be part of one. So mutagen reads those.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, Final

from av.container import InputContainer
from mutagen import id3
from mutagen.apev2 import TEXT, APEv2
from mutagen.flac import FLAC
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus
from mutagen.oggspeex import OggSpeex
from mutagen.oggvorbis import OggVorbis

from sarau.audio._chapters import IS_CHAPTER_TAG
from sarau.audio._tag_names import ID3, ITUNES, MP4_TEXTS
from sarau.audio._texts import readable

_MAX_TAGS: Final = 64
_MAX_TEXT: Final = 1000
_MAX_LONG_TEXT: Final = 16_000
_LONG: Final = {"lyrics", "comment", "synopsis", "longdescription"}
_MAX_KEY: Final = 40
_MAX_JSON_BYTES: Final = 56_000
"""Of all tags: they travel to the child that renders."""
_BETWEEN: Final = "; "

# What FFmpeg or a tagging program calls the same thing.
_SAME: Final = {
    "albumartist": "album_artist",
    "album artist": "album_artist",
    "tracknumber": "track",
    "totaltracks": "tracktotal",
    "discnumber": "disc",
    "totaldiscs": "disctotal",
    "year": "date",
    "tyer": "date",
    "tdrc": "date",
    "tdor": "originaldate",
    "description": "comment",
    "unsyncedlyrics": "lyrics",
}
_LYRICS: Final = re.compile(r"lyrics-[a-z]{3}")
"""Of ID3, by their language."""
# What belongs to the file that was sent and not to the music. FFmpeg takes the loudspeakers of a
# FLAC from the mask that its comments name.
_TECHNICAL: Final = {
    "encoder", "encoded_by", "encoder_options", "major_brand", "minor_version",
    "compatible_brands", "creation_time", "handler_name", "vendor_id", "language",
    "itunsmpb", "itunnorm", "metadata_block_picture", "coverart", "coverartmime", "duration",
    "tlen", "variant_bitrate", "devicename", "wm/mediaprimaryclassid",
    "waveformatextensible_channel_mask",
}  # fmt: skip
_GAIN: Final = re.compile(r"replaygain_|r128_|mp3gain_")

Lists = dict[str, tuple[str, ...]]
"""The values of names that have several."""


def read_tags(raw: Iterable[tuple[str, str]], lists: Lists) -> tuple[dict[str, str], Lists]:
    """Return the tags of a source, and of those that have several values all of them.

    `raw` are names and texts as FFmpeg has them; of one name the first counts. In a text
    several values are joined by a semicolon and a space.
    """
    tags: dict[str, str] = {}
    kept: Lists = {}
    left = _MAX_JSON_BYTES
    for raw_key, raw_text in raw:
        key, longest = _name(raw_key), _MAX_TEXT
        if key in _LONG:
            longest = _MAX_LONG_TEXT
        values = lists.get(key, ())
        whole = (_BETWEEN.join(values) or readable(raw_text)).strip()
        text = whole[:longest].strip()
        if not key or not text or key in tags or len(tags) >= _MAX_TAGS or _is_no_tag(key):
            continue
        values = values if text == whole else ()
        room = len(json.dumps([key, text, key, values]))
        if room > left:
            continue
        left -= room
        tags[key] = text
        if values:
            kept[key] = values
    return tags, kept


def all_texts(container: InputContainer, stream_tags: dict[str, str]) -> list[tuple[str, str]]:
    """Return what FFmpeg found for the file and for the stream of sound."""
    return [*container.metadata.items(), *stream_tags.items()]


def _name(raw: str) -> str:
    key = readable(raw).strip().lower()[:_MAX_KEY].strip()
    key = "lyrics" if _LYRICS.fullmatch(key) else key
    return _SAME.get(key, key)


def _is_no_tag(key: str) -> bool:
    return bool(key in _TECHNICAL or _GAIN.match(key) or IS_CHAPTER_TAG.fullmatch(key))


def read_lists(file: BinaryIO, container: str, codec: str) -> Lists:
    """Return the values of the names that have several; `file` is moved about in."""
    reader = _READERS.get(codec if container == "ogg" else container)
    if reader is None:
        return {}
    found: dict[str, dict[str, None]] = {}
    try:
        file.seek(0)
        for raw_key, value in reader(file):
            text = readable(value).strip()
            if text:
                found.setdefault(_name(raw_key), {})[text] = None
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - on a spoiled file mutagen raises anything; FFmpeg's texts stay
        return {}
    return {key: tuple(values) for key, values in found.items() if len(values) > 1}


def _comments(file: Any) -> Iterator[tuple[str, str]]:
    yield from file.tags or ()


def _id3(file: BinaryIO) -> Iterator[tuple[str, str]]:
    names = {frame.__name__: key for key, frame in ID3.items()}
    for frame in id3.ID3(file).values():
        if isinstance(frame, id3.TextFrame):
            name = frame.desc if isinstance(frame, id3.TXXX) else names.get(frame.FrameID, "")
            values = frame.genres if isinstance(frame, id3.TCON) else frame.text
            yield from ((name, str(value)) for value in values)


def _mp4(file: BinaryIO) -> Iterator[tuple[str, str]]:
    names = {name: key for key, name in MP4_TEXTS.items()}
    for key, values in (MP4(file).tags or {}).items():
        if key in names:
            yield from ((names[key], value) for value in values)
        elif key.startswith(ITUNES):
            name = key.removeprefix(ITUNES).encode("latin-1").decode("utf-8", "surrogateescape")
            yield from ((name, bytes(value).decode("utf-8", "surrogateescape")) for value in values)


def _apev2(file: BinaryIO) -> Iterator[tuple[str, str]]:
    for key, values in APEv2(file).items():
        if values.kind == TEXT:
            yield from ((key, value) for value in values)


_READERS: Final = {
    "flac": lambda file: _comments(FLAC(file)),
    "vorbis": lambda file: _comments(OggVorbis(file)),
    "opus": lambda file: _comments(OggOpus(file)),
    "speex": lambda file: _comments(OggSpeex(file)),
    "mp3": _id3,
    "m4a": _mp4,
    "wv": _apev2,
    "ape": _apev2,
}
