# ruff: noqa: PLR2004 - the figures are those of the file format
"""Looking at the first bytes: what a file is, whatever its name says."""

import re
from typing import Final

from sarau.errors import RejectedCode, RejectedError

HEAD_BYTES: Final = 64 * 1024

_BOMS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))

# A line is `[^\n]*\n`, whatever ends it: a pattern that can match one line in two ways tries
# both for each of thousands.
_PLAYLISTS: Final = (
    ("HLS or M3U playlist", re.compile(r"#EXTM3U|#EXTINF|#EXT-X-")),
    ("ffconcat script", re.compile(r"ffconcat\b|(?:file|stream)\s+['\"]?\S+\s*\n")),
    ("PLS playlist", re.compile(r"\[playlist\]", re.IGNORECASE)),
    ("ASX reference", re.compile(r"\[reference\]|<asx\b", re.IGNORECASE)),
    ("SDP session", re.compile(r"v=0\r?\n(?:[^\n]*\n)*?[oscmt]=")),
    (
        "cue sheet",
        re.compile(r"(?:[A-Z]+ [^\n]*\n)*FILE\s+\S[^\n]*\n\s*TRACK", re.IGNORECASE),
    ),
    ("FFmetadata script", re.compile(r";FFMETADATA")),
    ("addresses", re.compile(r"(?:https?|rtmp|rtsp|mms|ftp|file)://\S+\s*(?:\n|$)", re.IGNORECASE)),
    (
        "list of files",
        re.compile(r"[^\n\x00]{1,300}\.(?:mp3|m4a|flac|ogg|opus|wav|aac|ts)\s*(?:\n|$)"),
    ),
)
_XML_PLAYLISTS: Final = re.compile(
    r"<(?:MPD|smil|playlist|asx|SmoothStreamingMedia)\b", re.IGNORECASE
)

_CONTAINERS: Final = (
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"caff", "caf"),
    (0, b".snd", "au"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "asf"),
    (0, b"riff.\x91\xcf\x11", "w64"),
    (0, b"MAC ", "ape"),
    (0, b"wvpk", "wv"),
    (0, b"TTA1", "tta"),
    (4, b"ftyp", "m4a"),
    (4, b"moov", "m4a"),
)
_OTHER_MEDIA: Final = (
    (8, b"AVI ", "AVI"),
    (0, b"FLV\x01", "FLV"),
    (0, b"#!AMR", "AMR"),
    (0, b"DSD ", "DSF"),
    (0, b"FRM8", "DSDIFF"),
    (0, b"MThd", "MIDI"),
    (0, b".RMF", "RealMedia"),
    (0, b"\x00\x00\x01\xba", "MPEG program stream"),
)

_CONTROLS: Final = bytes([*range(9), *range(14, 27)])
"""What no text contains."""


def check_not_empty_or_list(head: bytes, size_bytes: int) -> None:
    """Turn away what only names other files, before any demuxer sees it.

    Raises:
        RejectedError: `empty_file`, `playlist`.

    """
    if size_bytes == 0:
        raise RejectedError(RejectedCode.EMPTY_FILE, "the file has no bytes")
    text = _as_text(head)
    if text is None:
        return
    text = text.lstrip()
    for name, pattern in _PLAYLISTS:
        if pattern.match(text):
            raise RejectedError(
                RejectedCode.PLAYLIST, f"this is text that names other media: {name}"
            )
    if text.startswith("<") and _XML_PLAYLISTS.search(text[:4096]):
        raise RejectedError(RejectedCode.PLAYLIST, "this is an XML playlist or manifest")


def container_of(head: bytes) -> str | None:
    """Name the audio container that `head` begins, None when it is none we know."""
    if head[:4] in {b"RIFF", b"RF64", b"BW64", b"RIFX"} and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"}:
        return "aiff"
    for offset, magic, name in _CONTAINERS:
        if head[offset : offset + len(magic)] == magic:
            return name
    return None


def unreadable(head: bytes, detail: str, *, ended: bool) -> RejectedError:
    """Return the reason for a file that no permitted demuxer reads.

    `ended` says that the demuxer wanted more than there was.
    """
    for offset, magic, name in _OTHER_MEDIA:
        if head[offset : offset + len(magic)] == magic:
            return RejectedError(RejectedCode.UNSUPPORTED_CODEC, f"{name} files are not taken")
    container = container_of(head)
    if container is None and head.startswith(b"ID3"):
        return RejectedError(RejectedCode.TRUNCATED, f"tags without sound: {detail}")
    if container is None:
        return RejectedError(RejectedCode.NOT_AUDIO, detail)
    if ended:
        return RejectedError(RejectedCode.TRUNCATED, f"a {container} file without its sound")
    if container == "ogg":
        # Every page's checksum was right before anybody tried to open it.
        return RejectedError(RejectedCode.UNSUPPORTED_CODEC, f"whole, but not understood: {detail}")
    return RejectedError(RejectedCode.CORRUPT, f"a {container} file that cannot be read: {detail}")


def _as_text(head: bytes) -> str | None:
    """Return the head as text, None when it is binary."""
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return head[len(bom) :].decode(encoding, "replace")
    sample = head[:4096]
    if len(sample.translate(None, _CONTROLS)) < len(sample):
        # A script for a demuxer works even with binary behind it, so its first line counts.
        first = head.split(b"\n", 1)[0][:200]
        if any(byte < 9 for byte in first):
            return None
    return head.decode("latin-1")
