"""The cover: read as bytes by FFmpeg, decoded by Pillow within bounds, made anew as JPEG."""

import contextlib
import io
from collections.abc import Iterator
from typing import Any, Final

import av
from av.container import InputContainer
from PIL import ExifTags, Image, WebPImagePlugin

from sarau.audio._opening import is_picture

# Pillow looks for what it does not know yet in all of its forty plugins; only this is needed.
_WEBP: Final = WebPImagePlugin.WebPImageFile.format
_FORMATS: Final = ("JPEG", "PNG", _WEBP, "GIF", "BMP")
_FRONT: Final = "Cover (front)"
"""What FFmpeg says of a picture of ID3's type 3."""
_MAX_BYTES: Final = 32 << 20
_MAX_PIXELS: Final = 40_000_000
_MAX_SIDE: Final = 1200
_QUALITY: Final = 88
# How to turn a picture by its EXIF orientation. `ImageOps.exif_transpose` writes all of the EXIF
# anew, and fails where any of it is spoiled.
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_covers(container: InputContainer) -> Iterator[bytes]:
    """Yield the file's pictures as they are, the front cover first; nothing is decoded."""
    pictures = [stream for stream in container.streams if is_picture(stream)]
    packets: dict[int, av.Packet[Any]] = {}
    with contextlib.suppress(av.FFmpegError):
        for packet in container.demux(pictures):
            if packet.size:
                packets.setdefault(packet.stream.index, packet)
            if len(packets) == len(pictures):
                break
    for stream in sorted(pictures, key=lambda each: each.metadata.get("comment") != _FRONT):
        found = packets.get(stream.index)
        if found is not None and found.size <= _MAX_BYTES:
            yield bytes(found)


def remake_cover(picture: bytes) -> bytes | None:
    """Return a picture as a JPEG of at most 1200 pixels a side, None when it is no picture.

    The size is judged by the header, before a pixel is decoded.
    """
    try:
        with Image.open(io.BytesIO(picture), formats=_FORMATS) as image:
            if image.width * image.height > _MAX_PIXELS:
                return None
            image.draft("RGB", (_MAX_SIDE, _MAX_SIDE))
            turn = _UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
            image.thumbnail((_MAX_SIDE, _MAX_SIDE))
            flat = _on_white(image if turn is None else image.transpose(turn))
            out = io.BytesIO()
            flat.save(out, "JPEG", quality=_QUALITY, optimize=True)
            return out.getvalue()
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - of a spoiled picture or its EXIF Pillow raises anything
        return None


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        layered = image.convert("RGBA")
        flat = Image.new("RGB", layered.size, "white")
        flat.paste(layered, mask=layered.getchannel("A"))
        return flat
    return image.convert("RGB")
