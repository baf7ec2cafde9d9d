"""Cue points and silence."""

import numpy as np
import pytest
from tests.audio.insight.signals import RATE_HZ, Report, codes, white


def test_cue_points_gaps_and_silence_are_where_they_were_put(report: Report) -> None:
    parts = [(0.0, 2), (0.004, 5), (0.1, 10), (0.0, 3), (0.1, 10), (0.004, 6), (0.0, 7)]
    samples = np.concatenate(
        [
            white(seconds, level, seed=index) if level else np.zeros((seconds * RATE_HZ, 2))
            for index, (level, seconds) in enumerate(parts)
        ]
    )
    found = report(samples)
    cues = found.cues
    assert cues.cue_in_s == pytest.approx(2, abs=0.03)
    assert cues.intro_end_s == pytest.approx(7, abs=0.2)
    assert cues.outro_start_s == pytest.approx(30, abs=3)
    assert cues.cue_out_s == pytest.approx(36, abs=0.03)
    assert cues.start_silence_s == pytest.approx(2, abs=0.03)
    assert cues.end_silence_s == pytest.approx(7, abs=0.03)
    (gap,) = cues.gaps
    assert gap.start_s == pytest.approx(17, abs=0.03)
    assert gap.length_s == pytest.approx(3, abs=0.05)
    assert {"silence_at_start", "silence_at_end", "silent_gap"} <= codes(found)


def test_no_cue_point_lies_behind_the_end(report: Report) -> None:
    cues = report(white(4.0013)).cues
    assert cues.cue_out_s == 4
    assert cues.end_silence_s == 0


def test_digital_silence_has_a_report_without_figures(report: Report) -> None:
    found = report(np.zeros((3 * RATE_HZ, 2)))
    assert found.cues.cue_in_s == found.cues.cue_out_s == 0
    assert found.cues.end_silence_s == pytest.approx(3, abs=0.03)
    assert found.channels[0].rms_dbfs is None
    assert found.bandwidth.cutoff_hz is None
    assert found.tempo is None
    assert found.key is None
    assert found.dynamics.plr_db is None
    assert found.findings == ()


@pytest.mark.parametrize("frames", [1, 2, 500, 5000])
def test_the_shortest_sounds_have_a_report(report: Report, frames: int) -> None:
    found = report(white(1)[:frames])
    assert len(found.channels) == 2
    assert found.spectrogram.png.startswith(b"\x89PNG")
