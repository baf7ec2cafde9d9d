"""What the tags are called in ID3 and in MP4, by the names that they have here."""

from typing import Final

from mutagen import id3

ID3: Final = {
    "title": id3.TIT2,
    "artist": id3.TPE1,
    "album": id3.TALB,
    "album_artist": id3.TPE2,
    "track": id3.TRCK,
    "disc": id3.TPOS,
    "date": id3.TDRC,
    "originaldate": id3.TDOR,
    "genre": id3.TCON,
    "composer": id3.TCOM,
    "copyright": id3.TCOP,
    "publisher": id3.TPUB,
    "performer": id3.TPE3,
    "isrc": id3.TSRC,
    "bpm": id3.TBPM,
}
MP4_TEXTS: Final = {
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
ITUNES: Final = "----:com.apple.iTunes:"
"""Before the names of all others in MP4."""
