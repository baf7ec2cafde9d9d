"""Running every code path once in the zygote.

PyAV, mutagen and Pillow import parts of themselves when first used, and a locked child
can open none of their files. So the zygote does all that a child will do, on a short
buzz, before it forks any.
"""

import io
import os
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import ExifTags, Image, MpoImagePlugin

from sarau.audio import _analyse, _cover, _gain_tags, _measure, _package, _render
from sarau.audio._bytes import unwatched
from sarau.audio._decode import Source
from sarau.audio._plain import to_plain
from sarau.audio._reporter import Reporter
from sarau.audio._tasks import PackageJob, Part, Rate, RenderJob
from sarau.audio._texts import OLD_ENCODING
from sarau.audio._types import GainPlan, Limits
from sarau.audio._vorbis import vorbis_version
from sarau.model.preset import Format, Preset, RenditionSpec

_ENCODINGS: Final = (
    "latin-1", "ascii", OLD_ENCODING, "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig",
)  # fmt: skip
# Pillow loads all of its forty plugins to find one that it does not know yet.
_MPO: Final = MpoImagePlugin.MpoImageFile.format
_RATE_HZ: Final = 48_000
_SAMPLES: Final = _RATE_HZ * 42 // 100
"""A little more than one window of 400 ms."""


class _Silent(Reporter):
    def __init__(self) -> None:
        super().__init__(-1, 0)

    def progress(self, fraction: float) -> None:
        """Say nothing."""


def warm() -> None:
    """Analyse, render and measure a short sound, with every format and a cover."""
    for encoding in _ENCODINGS:
        "".encode(encoding)
    _remake_pictures()
    with tempfile.TemporaryDirectory() as directory:
        _work(Path(directory))


def _remake_pictures() -> None:
    """Remake a picture of each kind that says which way up it is, and one that is several."""
    picture = Image.new("RGB", (8, 8))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", _MPO):
        file = io.BytesIO()
        several: dict[str, Any] = (
            {"save_all": True, "append_images": [picture]} if kind == _MPO else {}
        )
        picture.save(file, kind, exif=exif, **several)
        _cover.remake_cover(file.getvalue())


def _work(directory: Path) -> None:
    wav = directory / "warm.wav"
    wav.write_bytes(_buzz())
    reporter, limits = _Silent(), Limits()
    fd = os.open(wav, os.O_RDONLY)
    analysis = _analyse.analyse(Source(fd, limits), reporter, insight=True)
    plan = GainPlan(gain_db=1.0, limiter_ceiling_dbtp=-6.0, ceiling_limited=False)
    parts = tuple(
        Part(RenditionSpec(form, form, 128_000, quality), str(directory / form), plan)
        for form, quality in _encoded().items()
    )
    preset = Preset("warm", -14.0, -1.0, tuple(part.spec for part in parts))
    task = RenderJob(analysis, preset, parts)
    job = {"limits": to_plain(limits), "task": to_plain(task), "cores": 2}
    _render.run(job, [fd], reporter)
    for part in parts:
        with Path(part.name).open("rb") as file:
            _measure.run({"limits": to_plain(limits)}, [file.fileno()], reporter)
        _gain_tags.write_gain(Path(part.name), part.spec.format, analysis.loudness, None, unwatched)
    with (directory / Format.AAC).open("rb") as file:
        rates = (Rate("warm", analysis.source.samples),)
        package = PackageJob(str(directory / Format.HLS), rates)
        _package.run({"task": to_plain(package)}, [file.fileno()], reporter)
    os.close(fd)


def _encoded() -> dict[Format, int | None]:
    """Return the formats that are encoded here, with the quality of those that need one."""
    left_out = {Format.HLS} if vorbis_version() else {Format.HLS, Format.VORBIS}
    return {form: 4 if form is Format.VORBIS else None for form in Format if form not in left_out}


def _buzz() -> bytes:
    """Return a buzz as a WAV file: stereo, just long enough to have a loudness.

    It dies away, as a tone that lasts would be looked at closely for its peaks all along.
    """
    at = np.arange(2 * _SAMPLES)
    buzz = (at * 331 % 18_000 - 9_000) * np.exp2(-at / 2_000)
    samples = buzz.astype(np.int16).tobytes()
    head = b"WAVEfmt " + (16).to_bytes(4, "little") + (1).to_bytes(2, "little")
    head += (2).to_bytes(2, "little") + _RATE_HZ.to_bytes(4, "little")
    head += (4 * _RATE_HZ).to_bytes(4, "little") + (4).to_bytes(2, "little")
    head += (16).to_bytes(2, "little") + b"data" + len(samples).to_bytes(4, "little")
    return b"RIFF" + (len(head) + len(samples)).to_bytes(4, "little") + head + samples
