"""A rendition that is not what was to be made never passes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.audio.kitchen import Kitchen, wav
from tests.audio.studio import STREAMING, Work, noise, pcm16

from sarau.audio import Engine
from sarau.errors import FailedCode, FailedError

Spoil = Callable[[bytes], bytes]


def zeros_within(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(8000) + data[middle + 8000 :]


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def nothing(_: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("spoil", [zeros_within, half, nothing])
@pytest.mark.parametrize("name", ["flac", "mp3", "aac", "opus"])
def test_a_spoiled_rendition_is_our_failure(
    engine: Engine,
    work: Callable[..., Work],
    kitchen: Kitchen,
    tmp_path: Path,
    name: str,
    spoil: Spoil,
) -> None:
    made = work(kitchen.wav)
    file = next(each for each in made.files if each.spec.name == name)
    file.path.write_bytes(spoil(file.path.read_bytes()))

    with pytest.raises(FailedError) as caught:
        engine.verify(made.source, made.analysis, STREAMING, made.files, tmp_path / "out")
    assert caught.value.code is FailedCode.INTERNAL
    print(caught.value.detail)


def test_a_rendition_of_other_music_has_another_length(
    engine: Engine, work: Callable[..., Work], kitchen: Kitchen, tmp_path: Path
) -> None:
    made = work(kitchen.wav)
    shorter = work(wav(pcm16(noise(1, 44_100))))

    with pytest.raises(FailedError, match="should have"):
        engine.verify(made.source, made.analysis, STREAMING, shorter.files, tmp_path / "out")
