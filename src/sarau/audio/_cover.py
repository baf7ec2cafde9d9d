"""The cover: read as bytes by FFmpeg, decoded by Pillow within bounds, made anew as JPEG."""

import contextlib
import io
from typing import Final

import av
from av.container import InputContainer
from PIL import Image, ImageOps, WebPImagePlugin

from sarau.audio._decode import is_picture

# Pillow looks for what it does not know yet in all of its forty plugins; only this is needed.
_WEBP: Final = WebPImagePlugin.WebPImageFile.format
_FORMATS: Final = ("JPEG", "PNG", _WEBP, "GIF", "BMP")
_MAX_BYTES: Final = 32 << 20
_MAX_PIXELS: Final = 40_000_000
_MAX_SIDE: Final = 1200
_QUALITY: Final = 88


def read_cover(container: InputContainer) -> bytes | None:
    """Return the file's picture as it is, None without one; nothing is decoded."""
    for stream in container.streams:
        if not is_picture(stream):
            continue
        with contextlib.suppress(av.FFmpegError, StopIteration):
            packet = next(container.demux(stream))
            if 0 < packet.size <= _MAX_BYTES:
                return bytes(packet)
    return None


def remake_cover(picture: bytes) -> bytes | None:
    """Return a picture as a JPEG of at most 1200 pixels a side, None when it is no picture.

    The size is judged by the header, before a pixel is decoded.
    """
    try:
        with Image.open(io.BytesIO(picture), formats=_FORMATS) as image:
            if image.width * image.height > _MAX_PIXELS:
                return None
            image.draft("RGB", (_MAX_SIDE, _MAX_SIDE))
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((_MAX_SIDE, _MAX_SIDE))
            flat = _on_white(upright)
            out = io.BytesIO()
            flat.save(out, "JPEG", quality=_QUALITY, optimize=True)
            return out.getvalue()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        layered = image.convert("RGBA")
        flat = Image.new("RGB", layered.size, "white")
        flat.paste(layered, mask=layered.getchannel("A"))
        return flat
    return image.convert("RGB")
