# mypy: disable-error-code="no-untyped-call, union-attr, attr-defined, index"
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
from mutagen.flac import FLAC
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from sarau.audio._chapters import sort_chapter_frames
from sarau.audio._formats import OPUS_GAIN_STEP_DB
from sarau.audio._plain import Plain, from_plain
from sarau.audio._reporter import Reporter
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
    del inputs, reporter
    for each in from_plain(GainJob, job["task"]).files:
        write_gain(Path(each.name), each.format, each.loudness, each.album)
    return None


def write_gain(
    path: Path, form: Format, loudness: Loudness, album: AlbumEvidence | None = None
) -> None:
    """Put the gain of `loudness`, and of its album, into a file that has its other tags already.

    Doing it again changes nothing.
    """
    write = r128 if form is Format.OPUS else replaygain
    texts = write(loudness)
    if texts and album is not None:
        texts |= write(album, "ALBUM")
    if texts:
        _WRITERS[form](path, texts)


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


def _write_flac(path: Path, texts: dict[str, str]) -> None:
    file = FLAC(path)
    file.update(texts)
    file.save()


def _write_opus(path: Path, texts: dict[str, str]) -> None:
    file = OggOpus(path)
    file.update(texts)
    file.save()


def _write_vorbis(path: Path, texts: dict[str, str]) -> None:
    file = OggVorbis(path)
    file.update(texts)
    file.save()


def _write_mp3(path: Path, texts: dict[str, str]) -> None:
    _write_id3(MP3(path), texts)
    sort_chapter_frames(path)


def _write_wav(path: Path, texts: dict[str, str]) -> None:
    _write_id3(WAVE(path), texts)


def _write_id3(file: MP3 | WAVE, texts: dict[str, str]) -> None:
    if file.tags is None:
        file.add_tags()
    for key, text in texts.items():
        file.tags.setall(f"TXXX:{key}", [id3.TXXX(encoding=3, desc=key, text=[text])])
    file.save(v2_version=4)


def _write_m4a(path: Path, texts: dict[str, str]) -> None:
    file = MP4(path)
    if file.tags is None:
        file.add_tags()
    for key, text in texts.items():
        file.tags[ITUNES + key] = [text.encode()]
    file.save()


_WRITERS: Final = {
    Format.FLAC: _write_flac,
    Format.MP3: _write_mp3,
    Format.AAC: _write_m4a,
    Format.OPUS: _write_opus,
    Format.VORBIS: _write_vorbis,
    Format.WAV: _write_wav,
    Format.ALAC: _write_m4a,
}
