"""Opening an untrusted file: which containers and codecs, and the stream of its sound."""

import contextlib
import os
from typing import Any, Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard

from sarau.audio import _sniff
from sarau.audio._frames import FRAME_SAMPLES
from sarau.audio._libraries import pyav_major
from sarau.errors import RejectedCode, RejectedError

FORMATS: Final = "wav,w64,aiff,caf,au,flac,mp3,ogg,mov,matroska,aac,asf,ape,wv,tta"
"""Demuxers of containers for sound. None of them opens another file."""

_LOSSY: Final = (
    "mp1float,mp1,mp2float,mp2,mp3float,mp3,aac,vorbis,opus,speex,wmav1,wmav2,wmapro,ac3,eac3,"
    "adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,pcm_alaw,pcm_mulaw"
)
_LOSSLESS: Final = (
    "flac,alac,wavpack,tta,ape,wmalossless,"
    "pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,"
    "pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be"
)
LOSSLESS_CODECS: Final = frozenset(_LOSSLESS.split(","))
_CODECS: Final = LOSSLESS_CODECS | frozenset(_LOSSY.split(","))

_SHORT_NAMES: Final = {"mov,mp4,m4a,3gp,3g2,mj2": "m4a", "matroska,webm": "matroska"}
_ATTACHED_PICTURE: Final = 0x400
_MAX_STREAMS: Final = 64
# PyAV 18 refuses tags that are not UTF-8 unless it is told; PyAV 19 keeps their bytes by itself.
_TOLERANT: Final[dict[str, Any]] = (
    {} if pyav_major() >= 19 else {"metadata_errors": "surrogateescape"}  # noqa: PLR2004
)


def options_to_open(fd: int) -> dict[str, str]:
    """Return FFmpeg's options for the address `fd:`; the file is at its start then."""
    os.lseek(fd, 0, os.SEEK_SET)  # A copy of a descriptor shares its position.
    return {
        "fd": str(fd),
        "protocol_whitelist": "fd",
        "format_whitelist": FORMATS,
        "codec_whitelist": ",".join(sorted(_CODECS)),
        "max_streams": str(_MAX_STREAMS),
        "max_size": str(4 * FRAME_SAMPLES),
    }


def open_container(fd: int, head: bytes) -> InputContainer:
    """Open the file that begins with `head`, within the white lists.

    Raises:
        RejectedError: with the code that says why it cannot be read.

    """
    try:
        container: InputContainer = av.open("fd:", options=options_to_open(fd), **_TOLERANT)
    except MemoryError:
        raise
    except av.FFmpegError as error:
        ended = isinstance(error, av.EOFError)
        raise _sniff.unreadable(head, str(error.strerror), ended=ended) from error
    return container


def find_sound(container: InputContainer) -> AudioStream:
    """Return the stream that is to be decoded; the others are left out.

    Raises:
        RejectedError: `no_audio_stream`, `no_samples`, `unsupported_codec`.

    """
    found = container.streams.best("audio")
    if not isinstance(found, AudioStream):
        pictures = [stream for stream in container.streams if is_picture(stream)]
        code = RejectedCode.NO_SAMPLES if pictures or not container.streams else None
        raise RejectedError(code or RejectedCode.NO_AUDIO_STREAM, "no stream of sound")
    try:
        name = found.codec_context.name
    except AttributeError:
        name = "unknown"
    if name not in _CODECS:
        raise RejectedError(RejectedCode.UNSUPPORTED_CODEC, f"the codec {name!r} is not taken")
    found.codec_context.thread_count = 1
    for stream in container.streams:
        if stream is not found and not is_picture(stream):
            with contextlib.suppress(AttributeError):
                stream.discard = Discard.all
    return found


def is_picture(stream: "av.stream.Stream") -> bool:
    """Tell whether a stream is a cover."""
    return bool(int(stream.disposition) & _ATTACHED_PICTURE)


def short_name(container: InputContainer) -> str:
    """Return the name of a container, where FFmpeg has several for one."""
    return _SHORT_NAMES.get(container.format.name, container.format.name)
