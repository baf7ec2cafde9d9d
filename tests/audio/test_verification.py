"""A rendition that is not what was to be made never passes."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.audio.kitchen import Kitchen, wav
from tests.audio.studio import STREAMING, Work, noise, pcm16

from sarau.audio import ChildReport, Engine
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


@pytest.mark.parametrize("cores", [1, 2, 3, 8])
def test_what_was_heard_belongs_to_its_file_however_many_children_listen(
    work: Callable[..., Work],
    kitchen: Kitchen,
    monkeypatch: pytest.MonkeyPatch,
    cores: int,
) -> None:
    made = work(kitchen.wav)
    told: list[float] = []
    reports: list[ChildReport] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    with Engine(on_child=reports.append) as other:
        renditions = other.verify(
            made.source,
            made.analysis,
            STREAMING,
            made.files,
            made.files[0].path.parent,
            on_progress=told.append,
        )

    rates = {"flac": 44_100, "mp3": 44_100, "aac": 44_100, "opus": 48_000}
    source = made.analysis.source
    assert {one.file.spec.name: one.evidence.samples for one in renditions} == {
        name: source.samples * rate_hz // source.sample_rate_hz for name, rate_hz in rates.items()
    }
    listened = [report for report in reports if report.operation == "measure"]
    assert len(listened) == min(cores, 4)
    assert told == sorted(told)
