"""The files that children make: what they are called, and what they are."""

import stat
from pathlib import Path

from sarau.audio._formats import TRAITS, output_channels, output_rate_hz
from sarau.audio._types import Analysis, GainPlan, RenderedFile
from sarau.errors import FailedCode, FailedError
from sarau.model.preset import RenditionSpec


def file_name(spec: RenditionSpec, mark: str = "") -> str:
    """Return what a rendition is called in its directory."""
    stem = f"{spec.name}.{mark}" if mark else spec.name
    return f"{stem}.{spec.format.extension}"


def rendered(spec: RenditionSpec, path: Path, analysis: Analysis, gain: GainPlan) -> RenderedFile:
    """Describe a file that a child made; what is on disk is asked of the disk.

    Raises:
        FailedError: `engine_crashed`, when it is not there.

    """
    size_bytes = size_of(path)
    source = analysis.source
    return RenderedFile(
        spec=spec,
        path=path,
        media_type=TRAITS[spec.format].media_type,
        extension=spec.format.extension,
        size_bytes=size_bytes,
        sample_rate_hz=output_rate_hz(spec, source),
        channels=output_channels(spec, source),
        bitrate_bps=round(size_bytes * 8 / source.duration_s),
        duration_s=source.duration_s,
        gain=gain,
    )


def size_of(path: Path) -> int:
    """Return the size of a file that a child made, in bytes.

    Raises:
        FailedError: `engine_crashed`, when it is not there, or is no file.

    """
    try:
        found = path.lstat()
    except OSError as error:
        raise FailedError(FailedCode.ENGINE_CRASHED, f"{path.name} was not made") from error
    if not stat.S_ISREG(found.st_mode):
        raise FailedError(FailedCode.ENGINE_CRASHED, f"{path.name} is no file")
    return found.st_size
