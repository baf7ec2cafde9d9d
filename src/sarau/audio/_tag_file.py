"""Opening a rendition for tags, whatever its format, and saving it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from mutagen.flac import FLAC
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from sarau.audio._bytes import Worked, watched
from sarau.audio._chapters import sort_chapter_frames
from sarau.model.preset import Format

_KINDS: Final[dict[Format, Callable[..., Any]]] = {
    Format.FLAC: FLAC,
    Format.MP3: MP3,
    Format.AAC: MP4,
    Format.OPUS: OggOpus,
    Format.VORBIS: OggVorbis,
    Format.WAV: WAVE,
    Format.ALAC: MP4,
}


@contextmanager
def tagged(path: Path, form: Format, worked: Worked) -> Iterator[Any]:
    """Yield what mutagen makes of a finished file, and save it when the block ends well.

    All of a long file may be moved for its tags, and the pages of an Ogg get new numbers:
    `worked` is called on the way.
    """
    with watched(path, worked) as file:
        tags = _KINDS[form](file)
        if tags.tags is None:
            tags.add_tags()
        yield tags
        file.seek(0)
        tags.save(file)
    if form is Format.MP3:
        sort_chapter_frames(path)
