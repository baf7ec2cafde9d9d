"""The quality report is written beside the rest where there are cores for it."""

import os
from pathlib import Path

import numpy as np
import pytest
from tests.audio.kitchen import wav
from tests.audio.studio import noise, pcm16

from sarau.audio import Engine
from sarau.errors import RejectedCode, RejectedError


def test_it_is_the_same_on_one_core_and_on_many(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a.wav"
    source.write_bytes(wav(pcm16(noise(6, 44_100))))

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    alone = engine.analyse(source, insight=True)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)))
    beside = engine.analyse(source, insight=True)

    assert alone == beside
    assert alone.insight is not None


def test_what_ends_the_analysis_ends_the_report(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = np.zeros((200_000, 2), np.float32)
    samples[150_000] = np.nan
    source = tmp_path / "a.wav"
    source.write_bytes(wav(samples.astype("<f4").tobytes(), bits=32, tag=3))

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)))
    with pytest.raises(RejectedError) as caught:
        engine.analyse(source, insight=True)
    assert caught.value.code is RejectedCode.INVALID_SAMPLES
