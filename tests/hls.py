"""The rules of HLS (RFC 8216, and Apple's authoring rules for its fMP4), held to a folder."""

import re
import struct
from dataclasses import dataclass
from pathlib import Path

VERSION_WITH_MAP = 6
_RESOURCE = re.compile(r"[^#\s]\S*")


@dataclass(frozen=True)
class Media:
    """One rate, as its playlist says it."""

    path: Path
    media: Path
    target_s: int
    init: tuple[int, int]
    """Bytes and offset."""
    segments: list[tuple[float, int, int]]
    """Duration in seconds, bytes and offset."""

    @property
    def duration_s(self) -> float:
        return sum(each[0] for each in self.segments)


def attributes(text: str) -> dict[str, str]:
    found = re.findall(r'([A-Z0-9-]+)=("[^"]*"|[^,]*)', text)
    return {name: value.strip('"') for name, value in found}


def read_media(path: Path) -> Media:
    """Read a media playlist and hold it to the rules."""
    lines = path.read_text().splitlines()
    assert lines[0] == "#EXTM3U"
    assert lines[-1] == "#EXT-X-ENDLIST"
    tags = dict(
        line[1:].split(":", 1) for line in lines if line.startswith("#EXT-X-") and ":" in line
    )
    assert int(tags["EXT-X-VERSION"]) >= VERSION_WITH_MAP
    assert tags["EXT-X-PLAYLIST-TYPE"] == "VOD"
    mapped = attributes(tags["EXT-X-MAP"])
    media = path.parent / mapped["URI"]
    data = media.read_bytes()
    init_bytes, init_at = map(int, mapped["BYTERANGE"].split("@"))
    assert init_at == 0
    assert boxes(data[:init_bytes]) == ["ftyp", "moov"]
    target_s = int(tags["EXT-X-TARGETDURATION"])
    segments, at = [], init_bytes
    for number, line in enumerate(lines):
        if not line.startswith("#EXTINF:"):
            continue
        duration_s = float(line.removeprefix("#EXTINF:").rstrip(","))
        assert duration_s > 0
        assert round(duration_s) <= target_s
        size, offset = map(int, lines[number + 1].removeprefix("#EXT-X-BYTERANGE:").split("@"))
        assert lines[number + 2] == mapped["URI"]
        assert offset == at, "segments follow each other"
        assert boxes(data[offset : offset + size]) == ["moof", "mdat"]
        at += size
        segments.append((duration_s, size, offset))
    assert at == len(data), "every byte is somebody's"
    return Media(path, media, target_s, (init_bytes, init_at), segments)


def boxes(data: bytes) -> list[str]:
    """Return the names of the outermost boxes, which have to fill `data`."""
    names, at = [], 0
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        names.append(name.decode())
        at += size
    assert at == len(data)
    return names


def check(folder: Path) -> dict[str, Media]:
    """Hold a set to the rules; return its rates by the names of their playlists."""
    lines = (folder / "index.m3u8").read_text().splitlines()
    assert lines[0] == "#EXTM3U"
    assert "#EXT-X-INDEPENDENT-SEGMENTS" in lines
    found: dict[str, Media] = {}
    bandwidths = []
    for number, line in enumerate(lines):
        if not line.startswith("#EXT-X-STREAM-INF:"):
            continue
        said = attributes(line.removeprefix("#EXT-X-STREAM-INF:"))
        name = lines[number + 1]
        assert _RESOURCE.fullmatch(name)
        media = found[name] = read_media(folder / name)
        peak, average = int(said["BANDWIDTH"]), int(said["AVERAGE-BANDWIDTH"])
        sizes = sum(size for _, size, _ in media.segments)
        assert average == -int(-sizes * 8 // media.duration_s)
        assert peak >= average
        for duration_s, size, _ in media.segments:
            if duration_s >= media.target_s / 2:
                assert size * 8 / duration_s <= peak
        assert said["CODECS"] == codec_of(media.media.read_bytes()[: media.init[0]])
        bandwidths.append(average)
    assert bandwidths == sorted(bandwidths, reverse=True)
    assert len(found) == len(bandwidths) > 0
    shapes = {tuple(one[0] for one in media.segments) for media in found.values()}
    assert len(shapes) == 1, "rates are cut at the same places"
    assert len({media.target_s for media in found.values()}) == 1
    named = {"index.m3u8", *found, *(media.media.name for media in found.values())}
    assert named == {path.name for path in folder.iterdir()}
    return found


def codec_of(init: bytes) -> str:
    """Return RFC 6381's name of the codec, from the decoder configuration in `esds`."""
    esds = init[init.index(b"esds") + 8 :]
    config = esds.index(b"\x05\x80\x80\x80")
    object_type = esds[config + 5] >> 3
    return f"mp4a.40.{object_type}"
