"""What walks through all of a file counts as progress, as decoding does: here counted, not timed.

Hours of music take longer than the CPU time that a child has without any.
"""

import os
from pathlib import Path

import mutagen.oggopus
import pytest
from tests.audio.kitchen import SECONDS, Kitchen, cover, png
from tests.fuzz.targets import opened

from sarau.audio import Analysis, Limits, SourceInfo, from_plain, to_plain
from sarau.audio._bytes import ByteSource, watched
from sarau.audio._child import Operation
from sarau.audio._libraries import load_libraries
from sarau.audio._plain import Plain
from sarau.audio._plan import UNCHANGED
from sarau.audio._reporter import Reporter
from sarau.audio._tasks import GainJob, GainTag, Part, RenderJob
from sarau.model.preset import Format, Preset, RenditionSpec

load_libraries()

from sarau.audio import (  # noqa: E402 - PyAV comes after the libraries
    _analyse,
    _gain_tags,
    _render,
)
from sarau.audio._claims import read_claims  # noqa: E402 - as above
from sarau.audio._source_tags import read_lists  # noqa: E402 - as above
from sarau.audio._tags import write_tags  # noqa: E402 - as above

BUFFER_BYTES = 1 << 16
INFO = SourceInfo("wav", "pcm_s16le", 44_100, 2, "stereo", 16, None, 1, 1.0, lossless=True)


class Told:
    """Counts how often something was done."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
def told() -> Told:
    return Told()


def test_reading_the_pages_of_an_ogg(kitchen: Kitchen, told: Told) -> None:
    chained = kitchen.opus() * 30
    with opened(chained) as source:
        read_claims(ByteSource.of(source.fd, told), "ogg")
    assert told.times >= len(chained) >> 20 > 1


def test_reading_the_frames_of_an_mp3(kitchen: Kitchen, told: Told) -> None:
    with opened(kitchen.mp3()) as source:
        read_claims(ByteSource.of(source.fd, told), "mp3")
    assert told.times >= SECONDS * 44_100 / 1152


def test_looking_for_the_end_of_a_stream_among_others(kitchen: Kitchen, told: Told) -> None:
    two = kitchen.encode("two.opus", "-map", "0", "-map", "0", "-c:a", "libopus", "-b:a", "256k")
    with opened(two) as source, watched(os.dup(source.fd), told, "rb") as file:
        read_lists(file, "ogg", "opus")
    assert told.times >= len(two) // BUFFER_BYTES > 1


def test_reading_the_same_for_ever_is_none(kitchen: Kitchen, told: Told) -> None:
    with opened(kitchen.wav) as source, watched(os.dup(source.fd), told, "rb") as file:
        for _ in range(9):
            file.seek(0)
            file.read(2 * BUFFER_BYTES)
            file.seek(0)
            file.read(BUFFER_BYTES // 2)
    assert told.times <= 3


def test_numbering_the_pages_behind_a_cover(kitchen: Kitchen, tmp_path: Path, told: Told) -> None:
    path = tmp_path / "a.opus"
    path.write_bytes(kitchen.opus())
    write_tags(path, Format.OPUS, INFO, png(8, 8) * 999, told)
    assert told.times >= path.stat().st_size // BUFFER_BYTES > 1
    with opened(path.read_bytes()) as source:
        assert not read_claims(source, "ogg").warnings
    assert "metadata_block_picture" in mutagen.oggopus.OggOpus(path)


class Counting(Reporter):
    """Counts what an operation says, where a child would tell its parent."""

    def __init__(self) -> None:
        super().__init__(-1, 0)
        self.told = Told()

    def progress(self, fraction: float) -> None:
        """Say nothing: decoding is progress already."""

    def worked(self) -> None:
        self.told()


def test_each_operation_says_so_to_its_parent(kitchen: Kitchen, tmp_path: Path) -> None:
    source = tmp_path / "a.mp3"
    cover(png(9, 9))(kitchen, source)
    limits, frames = to_plain(Limits()), SECONDS * 44_100 / 1152

    def told(run: Operation, fd: int, **details: object) -> tuple[int, Plain]:
        reporter = Counting()
        answer = run({"limits": limits, "cores": 1, **details}, [fd], reporter)
        return reporter.told.times, answer

    with source.open("rb") as file:
        times, answer = told(_analyse.run, file.fileno())
        assert times >= frames
        analysis = from_plain(Analysis, answer)
        part = Part(RenditionSpec("a", Format.OPUS, 96_000), str(tmp_path / "a"), UNCHANGED)
        task = RenderJob(analysis, Preset("a", None, -1.0, (part.spec,)), (part,))
        times, _ = told(_render.run, file.fileno(), task=to_plain(task))
        assert times > 2 * frames  # Read for the cover, and for the sound; the tags are written.
        gain = GainTag(part.name, Format.OPUS, analysis.loudness, None)
        assert told(_gain_tags.run, -1, task=to_plain(GainJob((gain,))))[0] > 0
