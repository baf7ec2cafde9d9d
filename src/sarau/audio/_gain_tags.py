# mypy: disable-error-code="no-untyped-call, attr-defined"
# ruff: noqa: ANN401 - mutagen is typed in part only
"""What tells a player how loud a rendition is, from the measurement of that very file.

ReplayGain 2.0: the gain to -18 LUFS and the true peak as a fraction of full scale.
Opus has its own (RFC 7845, 5.2.1): the gain to -23 LUFS in 256ths of a decibel, on top
of the gain in the header, which every decoder adds and which is in what was measured;
there is no tag for the peak, and ReplayGain's are not to be used. A file without loudness
gets none. The sound is not touched.
"""

from pathlib import Path
from typing import Any, Final

from mutagen import id3

from sarau.audio._bytes import Worked
from sarau.audio._formats import OPUS_GAIN_STEP_DB
from sarau.audio._plain import Plain, from_plain
from sarau.audio._reporter import Reporter
from sarau.audio._tag_file import tagged
from sarau.audio._tag_names import ITUNES
from sarau.audio._tasks import GainJob
from sarau.audio._types import AlbumEvidence
from sarau.model.loudness import Loudness
from sarau.model.preset import Format

_REPLAYGAIN_LUFS: Final = -18.0
_R128_LUFS: Final = -23.0
_INT16: Final = 32767


def run(job: dict[str, Any], inputs: list[int], reporter: Reporter) -> Plain:
    """Tag the named files of the working directory; the operation of a child."""
    del inputs
    for each in from_plain(GainJob, job["task"]).files:
        write_gain(Path(each.name), each.format, each.loudness, each.album, reporter.worked)
    return None


def write_gain(
    path: Path, form: Format, loudness: Loudness, album: AlbumEvidence | None, worked: Worked
) -> None:
    """Put the gain of `loudness`, and of its album, into a file that has its other tags already.

    Doing it again changes nothing.
    """
    write = r128 if form is Format.OPUS else replaygain
    texts = write(loudness)
    if texts and album is not None:
        texts |= write(album, "ALBUM")
    if texts:
        with tagged(path, form, worked) as file:
            _WRITERS[form](file, texts)


def replaygain(loudness: Loudness | AlbumEvidence, of: str = "TRACK") -> dict[str, str]:
    """Return ReplayGain 2.0's tags of a track or album; none without loudness."""
    if loudness.integrated_lufs is None or loudness.true_peak_dbtp is None:
        return {}
    return {
        f"REPLAYGAIN_{of}_GAIN": f"{_REPLAYGAIN_LUFS - loudness.integrated_lufs:.2f} dB",
        f"REPLAYGAIN_{of}_PEAK": f"{10 ** (loudness.true_peak_dbtp / 20):.6f}",
    }


def r128(loudness: Loudness | AlbumEvidence, of: str = "TRACK") -> dict[str, str]:
    """Return the tag of an Opus track or album; none without loudness."""
    if loudness.integrated_lufs is None:
        return {}
    gain = round((_R128_LUFS - loudness.integrated_lufs) / OPUS_GAIN_STEP_DB)
    return {f"R128_{of}_GAIN": str(max(-_INT16 - 1, min(_INT16, gain)))}


def _write_comments(file: Any, texts: dict[str, str]) -> None:
    file.update(texts)


def _write_id3(file: Any, texts: dict[str, str]) -> None:
    for key, text in texts.items():
        file.tags.setall(f"TXXX:{key}", [id3.TXXX(encoding=3, desc=key, text=[text])])


def _write_m4a(file: Any, texts: dict[str, str]) -> None:
    for key, text in texts.items():
        file.tags[ITUNES + key] = [text.encode()]


_WRITERS: Final = {
    Format.FLAC: _write_comments,
    Format.MP3: _write_id3,
    Format.AAC: _write_m4a,
    Format.OPUS: _write_comments,
    Format.VORBIS: _write_comments,
    Format.WAV: _write_id3,
    Format.ALAC: _write_m4a,
}
