# mypy: disable-error-code="no-untyped-call, attr-defined"
# ruff: noqa: ANN401 - mutagen is typed in part only
"""Tags of a rendition, written the way each format's players read them."""

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from mutagen import id3
from mutagen.flac import Picture
from mutagen.mp4 import MP4Cover

from sarau.audio._bytes import Worked
from sarau.audio._chapters import chapter_comments, chapter_frames
from sarau.audio._gapless import itunsmpb
from sarau.audio._tag_file import tagged
from sarau.audio._tag_names import ID3, ITUNES, MP4_TEXTS
from sarau.audio._types import SourceInfo
from sarau.model.preset import Format


def write_tags(
    path: Path, form: Format, source: SourceInfo, cover: bytes | None, worked: Worked
) -> None:
    """Put the tags and chapters of a source and a JPEG cover into a finished file."""
    if form is Format.WAV and not (source.tags or source.chapters or cover is not None):
        return
    if form is Format.AAC:
        source = replace(source, tags=source.tags | {"iTunSMPB": itunsmpb(path)})
    with tagged(path, form, worked) as file:
        _WRITERS[form](file, source, cover)


def _picture(cover: bytes) -> Picture:
    picture = Picture()
    picture.type = id3.PictureType.COVER_FRONT
    picture.mime = "image/jpeg"
    picture.data = cover
    return picture


_VORBIS: Final = {
    "album_artist": "albumartist",
    "track": "tracknumber",
    "disc": "discnumber",
}


_VORBIS_NAME: Final = re.compile(r"[ -<>-}]+")
"""What the name of a comment is made of: ASCII without the equals sign and the tilde."""


def _values(source: SourceInfo) -> Iterator[tuple[str, list[str]]]:
    for key, text in source.tags.items():
        yield key, list(source.tag_lists.get(key, (text,)))


def _numbered_values(source: SourceInfo) -> Iterator[tuple[str, list[str]]]:
    """Yield the tags as ID3 and MP4 have them: `3/12` is track 3 of 12."""
    tags = dict(source.tags)
    for key, of in (("track", "tracktotal"), ("disc", "disctotal")):
        if tags.get(key, "").isdecimal() and tags.get(of, "").isdecimal():
            tags[key] = f"{tags[key]}/{tags.pop(of)}"
    return _values(replace(source, tags=tags))


def _vorbis_comments(file: Any, source: SourceInfo) -> None:
    for key, values in _values(source):
        name = _VORBIS.get(key, key)
        if _VORBIS_NAME.fullmatch(name):
            file[name] = values
    for name, text in chapter_comments(source.chapters).items():
        file[name] = text


def _write_flac(file: Any, source: SourceInfo, cover: bytes | None) -> None:
    _vorbis_comments(file, source)
    if cover is not None:
        file.add_picture(_picture(cover))


def _write_ogg(file: Any, source: SourceInfo, cover: bytes | None) -> None:
    _vorbis_comments(file, source)
    if cover is not None:
        file["metadata_block_picture"] = base64.b64encode(_picture(cover).write()).decode()


def _write_id3(file: Any, source: SourceInfo, cover: bytes | None) -> None:
    for key, values in _numbered_values(source):
        if key in ID3:
            file.tags.add(ID3[key](encoding=3, text=values))
        elif key == "comment":
            file.tags.add(id3.COMM(encoding=3, lang="eng", desc="", text=values))
        elif key == "lyrics":
            file.tags.add(id3.USLT(encoding=3, lang="eng", desc="", text="\n\n".join(values)))
        else:
            file.tags.add(id3.TXXX(encoding=3, desc=key, text=values))
    for frame in chapter_frames(source.chapters, source.duration_s):
        file.tags.add(frame)
    if cover is not None:
        kind = id3.PictureType.COVER_FRONT
        file.tags.add(id3.APIC(encoding=3, mime="image/jpeg", type=kind, desc="", data=cover))


_MP4_PAIRS: Final = {"track": "trkn", "disc": "disk"}
_PAIR: Final = re.compile(r"(\d{1,4})(?:\s*/\s*(\d{1,4}))?")


def _write_m4a(file: Any, source: SourceInfo, cover: bytes | None) -> None:
    for key, values in _numbered_values(source):
        pair = _PAIR.fullmatch(values[0]) if key in _MP4_PAIRS else None
        if key in MP4_TEXTS:
            file.tags[MP4_TEXTS[key]] = values
        elif pair is not None:
            file.tags[_MP4_PAIRS[key]] = [(int(pair[1]), int(pair[2] or 0))]
        else:
            # Names are UTF-8; mutagen writes a byte for each character.
            name = ITUNES + key.encode().decode("latin-1")
            file.tags[name] = [value.encode() for value in values]
    if cover is not None:
        file.tags["covr"] = [MP4Cover(cover, imageformat=MP4Cover.FORMAT_JPEG)]


_WRITERS: Final = {
    Format.FLAC: _write_flac,
    Format.MP3: _write_id3,
    Format.AAC: _write_m4a,
    Format.OPUS: _write_ogg,
    Format.VORBIS: _write_ogg,
    Format.WAV: _write_id3,
    Format.ALAC: _write_m4a,
}
