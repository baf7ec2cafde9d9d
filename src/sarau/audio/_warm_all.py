"""Running every other code path once in the zygote: see `_warm`."""

import io
import os
import tempfile
from pathlib import Path
from typing import Any, Final

from PIL import ExifTags, Image, MpoImagePlugin

from sarau.audio import _cover, _gain_tags, _measure, _package, _render
from sarau.audio._buzz import buzz
from sarau.audio._bytes import unwatched
from sarau.audio._plain import to_plain
from sarau.audio._tasks import PackageJob, Part, Rate, RenderJob
from sarau.audio._types import Analysis, GainPlan, Limits
from sarau.audio._vorbis import is_usable
from sarau.audio._warm import Silent
from sarau.model.preset import Format, Preset, RenditionSpec

# Pillow loads all of its forty plugins to find one that it does not know yet.
_MPO: Final = MpoImagePlugin.MpoImageFile.format


def warm_all(analysis: Analysis) -> None:
    """Render and measure the short sound that was analysed, with every format and a cover."""
    _remake_pictures()
    with tempfile.TemporaryDirectory() as directory:
        _work(Path(directory), analysis)


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


def _work(directory: Path, analysis: Analysis) -> None:
    wav, reporter = directory / "warm.wav", Silent()
    wav.write_bytes(buzz())
    plan = GainPlan(gain_db=1.0, limiter_ceiling_dbtp=-6.0, ceiling_limited=False)
    parts = tuple(
        Part(RenditionSpec(form, form, 128_000, quality), str(directory / form), plan)
        for form, quality in _encoded().items()
    )
    preset = Preset("warm", -14.0, -1.0, tuple(part.spec for part in parts))
    task = RenderJob(analysis, preset, parts)
    fd = os.open(wav, os.O_RDONLY)
    job = {"limits": to_plain(Limits()), "task": to_plain(task), "cores": 2}
    _render.run(job, [fd], reporter)
    os.close(fd)
    for part in parts:
        _gain_tags.write_gain(Path(part.name), part.spec.format, analysis.loudness, None, unwatched)
    # All formats are decoded by the same code of ours; of an MP4 the padding is left out.
    with (directory / Format.AAC).open("rb") as file:
        _measure.run({}, [file.fileno()], reporter)
    with (directory / Format.AAC).open("rb") as file:
        rates = (Rate("warm", analysis.source.samples),)
        package = PackageJob(str(directory / Format.HLS), rates)
        _package.run({"task": to_plain(package)}, [file.fileno()], reporter)


def _encoded() -> dict[Format, int | None]:
    """Return the formats that are encoded here, with the quality of those that need one."""
    left_out = {Format.HLS} if is_usable() else {Format.HLS, Format.VORBIS}
    return {form: 4 if form is Format.VORBIS else None for form in Format if form not in left_out}
