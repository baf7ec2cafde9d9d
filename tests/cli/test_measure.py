"""`sarau measure`: each file is told when it is measured."""

import io
import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.sounds import write_music

import sarau.audio
from sarau.cli.measure import command

PRINTED = threading.Event()


class Patient(sarau.audio.Engine):
    """Begins with the second file when the first one is told."""

    def analyse(self, source: Path, **more: Any) -> Any:
        if source.name == "2.wav":
            assert PRINTED.wait(30)
        return super().analyse(source, **more)


class Paper(io.StringIO):
    def flush(self) -> None:
        PRINTED.set()


def test_a_document_comes_when_its_file_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [write_music(tmp_path / f"{number}.wav", seconds=1) for number in (2, 1)]
    paper = Paper()
    monkeypatch.setattr(sarau.audio, "Engine", Patient)
    monkeypatch.setattr(sys, "stdout", paper)
    command.main(["--json", "--jobs", "2", *map(str, files)], standalone_mode=False)
    told = [json.loads(line)["file"] for line in paper.getvalue().splitlines()]
    assert told == [str(path) for path in reversed(files)]
