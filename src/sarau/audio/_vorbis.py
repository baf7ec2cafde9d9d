"""Ogg Vorbis by Xiph's own encoder, which comes with the package `soundfile`.

PyAV is built without libvorbis, and FFmpeg's own Vorbis encoder is no match for it: it is
not used. So Vorbis is there where the extra `vorbis` is installed, and a stable error
says so where it is not.
"""

import importlib
from pathlib import Path
from typing import Any, Final

import numpy as np
from av.audio.frame import AudioFrame

from sarau.audio._libraries import VORBIS_PACKAGE
from sarau.audio._plain import Plain
from sarau.audio._reporter import Reporter
from sarau.audio._vorbis_pages import split_only_page
from sarau.errors import FailedCode, FailedError
from sarau.model.preset import RenditionSpec

_BEST: Final = 10


class VorbisWriter:
    """Writes interleaved floats into an Ogg Vorbis file.

    Raises:
        FailedError: `encoder_missing`.

    """

    def __init__(self, path: Path, spec: RenditionSpec, *, rate_hz: int, channels: int) -> None:
        self._path, self._channels = path, channels
        self._file = _library().SoundFile(
            str(path),
            "w",
            samplerate=rate_hz,
            channels=channels,
            format="OGG",
            subtype="VORBIS",
            # libsndfile counts the other way round: 0 is the best quality, 1 the least.
            compression_level=1 - (spec.quality or 0) / _BEST,
        )

    def write(self, frame: AudioFrame) -> None:
        """Encode a frame."""
        count = frame.samples * self._channels
        samples = np.frombuffer(memoryview(frame.planes[0]), np.float32, count)
        self._file.write(samples.reshape(-1, self._channels))

    def close(self) -> None:
        """Finish the file."""
        self._file.close()
        split_only_page(self._path)


def run(job: dict[str, Any], inputs: list[int], reporter: Reporter) -> Plain:
    """Tell whether Vorbis can be encoded; the operation of a child."""
    del job, inputs, reporter
    return is_usable()


def is_usable() -> bool:
    """Import the package, and tell whether its library is there."""
    try:
        _library()
    except FailedError:
        return False
    return True


def _library() -> Any:  # noqa: ANN401 - an optional package, typed in part only
    try:
        return importlib.import_module(VORBIS_PACKAGE)
    except (ImportError, OSError) as error:
        detail = f"Ogg Vorbis needs the package {VORBIS_PACKAGE}: {error}"
        raise FailedError(FailedCode.ENCODER_MISSING, detail) from error
