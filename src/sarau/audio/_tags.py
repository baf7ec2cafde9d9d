# mypy: disable-error-code="no-untyped-call, union-attr, attr-defined, index"
# ruff: noqa: ANN401 - mutagen is typed in part only
"""Tags: read the same from every container, written the way each format's players read them."""

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from av.container import InputContainer
from mutagen import id3
from mutagen.flac import FLAC, Picture
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4, MP4Cover
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from sarau.audio._chapters import (
    IS_CHAPTER_TAG,
    chapter_comments,
    chapter_frames,
    sort_chapter_frames,
)
from sarau.audio._gapless import itunsmpb
from sarau.audio._types import SourceInfo
from sarau.model.preset import Format

_MAX_TAGS: Final = 64
_MAX_TEXT: Final = 1000
_MAX_KEY: Final = 40
_MAX_JSON_BYTES: Final = 56_000
"""Of all tags: they travel to the child that renders."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

# What FFmpeg or a tagging program calls the same thing.
_SAME: Final = {
    "albumartist": "album_artist",
    "album artist": "album_artist",
    "tracknumber": "track",
    "discnumber": "disc",
    "year": "date",
    "tyer": "date",
    "tdrc": "date",
    "originaldate": "date",
    "description": "comment",
}
# What belongs to the file that was sent and not to the music.
_TECHNICAL: Final = {
    "encoder", "encoded_by", "encoder_options", "major_brand", "minor_version",
    "compatible_brands", "creation_time", "handler_name", "vendor_id", "language",
    "itunsmpb", "itunnorm", "metadata_block_picture", "coverart", "coverartmime", "duration",
    "tlen", "variant_bitrate", "devicename", "wm/mediaprimaryclassid",
}  # fmt: skip
_GAIN: Final = re.compile(r"replaygain_|r128_|mp3gain_")


def read_tags(container: InputContainer, stream_tags: dict[str, str]) -> dict[str, str]:
    """Return the tags of a source: known names in lower case, text bounded."""
    tags: dict[str, str] = {}
    left = _MAX_JSON_BYTES
    for raw_key, raw_text in [*container.metadata.items(), *stream_tags.items()]:
        key = raw_key.strip().lower()[:_MAX_KEY]
        key = _SAME.get(key, key)
        text = _CONTROL.sub(" ", raw_text)[:_MAX_TEXT].strip()
        known = key in _TECHNICAL or _GAIN.match(key) or IS_CHAPTER_TAG.fullmatch(key)
        room = len(json.dumps(key)) + len(json.dumps(text))
        if not key or not text or known or key in tags or len(tags) >= _MAX_TAGS or room > left:
            continue
        left -= room
        tags[key] = text
    return tags


def write_tags(path: Path, form: Format, source: SourceInfo, cover: bytes | None) -> None:
    """Put the tags and chapters of a source and a JPEG cover into a finished file."""
    _WRITERS[form](path, source, cover)


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


def _vorbis_comments(file: Any, source: SourceInfo) -> None:
    for key, text in source.tags.items():
        name = _VORBIS.get(key, key)
        if name.isascii() and "=" not in name and name.isprintable():
            file[name] = text
    for name, text in chapter_comments(source.chapters).items():
        file[name] = text


def _write_flac(path: Path, source: SourceInfo, cover: bytes | None) -> None:
    file = FLAC(path)
    _vorbis_comments(file, source)
    if cover is not None:
        file.add_picture(_picture(cover))
    file.save()


def _write_opus(path: Path, source: SourceInfo, cover: bytes | None) -> None:
    _write_ogg(OggOpus(path), source, cover)


def _write_vorbis(path: Path, source: SourceInfo, cover: bytes | None) -> None:
    _write_ogg(OggVorbis(path), source, cover)


def _write_ogg(file: Any, source: SourceInfo, cover: bytes | None) -> None:
    _vorbis_comments(file, source)
    if cover is not None:
        file["metadata_block_picture"] = base64.b64encode(_picture(cover).write()).decode()
    file.save()


_ID3: Final = {
    "title": id3.TIT2,
    "artist": id3.TPE1,
    "album": id3.TALB,
    "album_artist": id3.TPE2,
    "track": id3.TRCK,
    "disc": id3.TPOS,
    "date": id3.TDRC,
    "genre": id3.TCON,
    "composer": id3.TCOM,
    "copyright": id3.TCOP,
    "publisher": id3.TPUB,
    "performer": id3.TPE3,
    "isrc": id3.TSRC,
    "bpm": id3.TBPM,
}


def _write_mp3(path: Path, source: SourceInfo, cover: bytes | None) -> None:
    _write_id3(MP3(path), source, cover)
    sort_chapter_frames(path)


def _write_wav(path: Path, source: SourceInfo, cover: bytes | None) -> None:
    if source.tags or source.chapters or cover is not None:
        _write_id3(WAVE(path), source, cover)


def _write_id3(file: Any, source: SourceInfo, cover: bytes | None) -> None:
    if file.tags is None:
        file.add_tags()
    for key, text in source.tags.items():
        if key in _ID3:
            file.tags.add(_ID3[key](encoding=3, text=[text]))
        elif key == "comment":
            file.tags.add(id3.COMM(encoding=3, lang="eng", desc="", text=[text]))
        elif key == "lyrics":
            file.tags.add(id3.USLT(encoding=3, lang="eng", desc="", text=text))
        else:
            file.tags.add(id3.TXXX(encoding=3, desc=key, text=[text]))
    for frame in chapter_frames(source.chapters, source.duration_s):
        file.tags.add(frame)
    if cover is not None:
        kind = id3.PictureType.COVER_FRONT
        file.tags.add(id3.APIC(encoding=3, mime="image/jpeg", type=kind, desc="", data=cover))
    file.save(v2_version=4)


_MP4: Final = {
    "title": "\xa9nam",
    "artist": "\xa9ART",
    "album": "\xa9alb",
    "album_artist": "aART",
    "date": "\xa9day",
    "genre": "\xa9gen",
    "composer": "\xa9wrt",
    "comment": "\xa9cmt",
    "lyrics": "\xa9lyr",
    "copyright": "cprt",
}
_MP4_PAIRS: Final = {"track": "trkn", "disc": "disk"}
_PAIR: Final = re.compile(r"(\d{1,4})(?:\s*/\s*(\d{1,4}))?")


def _write_aac(path: Path, source: SourceInfo, cover: bytes | None) -> None:
    tags = source.tags | {"iTunSMPB": itunsmpb(path)}
    _write_m4a(path, replace(source, tags=tags), cover)


def _write_m4a(path: Path, source: SourceInfo, cover: bytes | None) -> None:
    file = MP4(path)
    if file.tags is None:
        file.add_tags()
    for key, text in source.tags.items():
        pair = _PAIR.fullmatch(text) if key in _MP4_PAIRS else None
        if key in _MP4:
            file.tags[_MP4[key]] = [text]
        elif pair is not None:
            file.tags[_MP4_PAIRS[key]] = [(int(pair[1]), int(pair[2] or 0))]
        else:
            file.tags[f"----:com.apple.iTunes:{key}"] = [text.encode()]
    if cover is not None:
        file.tags["covr"] = [MP4Cover(cover, imageformat=MP4Cover.FORMAT_JPEG)]
    file.save()


_WRITERS: Final = {
    Format.FLAC: _write_flac,
    Format.MP3: _write_mp3,
    Format.AAC: _write_aac,
    Format.OPUS: _write_opus,
    Format.VORBIS: _write_vorbis,
    Format.WAV: _write_wav,
    Format.ALAC: _write_m4a,
}
