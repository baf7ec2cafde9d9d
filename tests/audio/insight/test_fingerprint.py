"""Our fingerprints beside those of Chromaprint's own program, and on changed recordings."""

import json
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from tests.audio.insight.signals import Report, both
from tests.music import excerpts
from tests.recordings import write_melody

from sarau.audio import Engine
from sarau.model.chromaprint import chromaprint_text
from sarau.model.fingerprint import Fingerprint, compare


def fpcalc(path: Path, *options: str) -> dict[str, object]:
    """Return what Chromaprint's own program says of the first minute."""
    command = ["fpcalc", "-json", "-length", "60", *options, str(path)]
    found: dict[str, object] = json.loads(subprocess.check_output(command))
    return found


def fingerprint_of(engine: Engine, path: Path) -> Fingerprint:
    insight = engine.analyse(path, insight=True).insight
    assert insight is not None
    assert insight.fingerprint is not None
    return insight.fingerprint


def test_real_music_has_the_bits_of_chromaprints_own_program(
    engine: Engine, tmp_path: Path
) -> None:
    bits = wrong = 0
    for path in excerpts(tmp_path, lasts_s=70):
        items = fpcalc(path, "-raw")["fingerprint"]
        assert isinstance(items, list)
        theirs = np.array([item & 0xFFFFFFFF for item in items], np.uint32)
        ours = np.array(fingerprint_of(engine, path).values(), np.uint32)[: len(theirs)]
        assert len(ours) == len(theirs) == 463
        bits += 32 * len(theirs)
        wrong += int(np.bitwise_count(ours ^ theirs).sum())
    print(f"{wrong} of {bits} bits differ from fpcalc's")
    assert wrong <= bits * 1e-4


def test_the_text_form_is_what_chromaprints_own_program_prints(tmp_path: Path) -> None:
    for path in excerpts(tmp_path, lasts_s=70):
        items = fpcalc(path, "-raw")["fingerprint"]
        assert isinstance(items, list)
        same = Fingerprint(struct.pack(f"<{len(items)}I", *(item & 0xFFFFFFFF for item in items)))
        assert chromaprint_text(same) == fpcalc(path)["fingerprint"]


CHANGES = {
    "mp3": ["-c:a", "libmp3lame", "-b:a", "128k"],
    "opus": ["-c:a", "libopus", "-b:a", "64k"],
    "m4a": ["-c:a", "aac", "-b:a", "128k"],
    "quiet.flac": ["-af", "volume=-12dB"],
    "late.flac": ["-af", "atrim=start=5.3"],
    "slow.wav": ["-ar", "16000"],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_recording_still_sounds_like_itself(
    engine: Engine, tmp_path: Path, change: str
) -> None:
    path = write_melody(tmp_path / "melody.wav", seed=1)
    changed = tmp_path / f"changed.{change}"
    command = ["ffmpeg", "-v", "error", "-i", str(path), *CHANGES[change], str(changed)]
    subprocess.run(command, check=True)
    one, other = fingerprint_of(engine, changed), fingerprint_of(engine, path)
    assert set(one.marks()) & set(other.marks())
    found = compare(one, other)
    assert found is not None
    assert found.score > 0.75
    assert found.offset_s == pytest.approx(5.3 if change == "late.flac" else 0.0, abs=0.1)


def test_another_melody_sounds_like_something_else(engine: Engine, tmp_path: Path) -> None:
    one, other = (
        fingerprint_of(engine, write_melody(tmp_path / f"{seed}.wav", seed)) for seed in (1, 2)
    )
    assert compare(one, other) is None


def test_a_moment_of_sound_has_no_fingerprint(report: Report) -> None:
    assert report(both(np.full(44_100, 0.1))).fingerprint is None
