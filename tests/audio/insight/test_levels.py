"""Level, DC, stereo, clipping, bits: figures that are known beforehand."""

import numpy as np
import pytest
from tests.audio.insight.signals import RATE_HZ, Report, both, codes, sine, white
from tests.audio.studio import noise


def test_the_level_of_a_sine_is_exact(report: Report) -> None:
    found = report(np.stack([sine(997, 5, 0.5), sine(997, 5, 0.25)], axis=1))
    left, right = found.channels
    assert left.rms_dbfs == pytest.approx(-9.03, abs=0.02)
    assert left.peak_dbfs == pytest.approx(-6.02, abs=0.02)
    assert right.rms_dbfs == pytest.approx(-15.05, abs=0.02)
    assert found.dynamics.crest_db == pytest.approx(3.01 + 2.04, abs=0.03)
    assert found.stereo is not None
    assert found.stereo.balance_db == pytest.approx(6.02, abs=0.02)
    assert "channel_imbalance" in codes(found)


def test_a_clean_mix_has_nothing_to_say(report: Report) -> None:
    found = report(noise(20, RATE_HZ) * 1.5)
    assert codes(found) == set()
    assert found.clipping.runs == 0
    assert found.stereo is not None
    assert found.stereo.correlation == pytest.approx(0, abs=0.15)


def test_dc_is_measured_in_the_channel_that_has_it(report: Report) -> None:
    samples = white(4, 0.05)
    samples[:, 1] += 0.03
    found = report(samples)
    assert found.channels[0].dc_offset == pytest.approx(0, abs=0.001)
    assert found.channels[1].dc_offset == pytest.approx(0.03, abs=0.001)
    assert [f.severity for f in found.findings if f.code == "dc_offset"] == ["problem"]


@pytest.mark.parametrize("level", [1.0, 0.6])
def test_clipped_tops_are_counted_also_after_turning_down(report: Report, level: float) -> None:
    tone = np.clip(sine(100, 3, 1.5), -1, 1) * level * 32766.5 / 32767
    found = report(both(tone), bits=24).clipping
    # 100 periods a second with two tops each, in both channels.
    assert found.runs == pytest.approx(3 * 100 * 2 * 2, abs=4)
    # Above 1/1.5 of the sine for 48.2 degrees to either side of the top.
    assert found.longest_samples == pytest.approx(RATE_HZ / 100 * 2 * 48.19 / 360, abs=2)
    assert found.level_dbfs == pytest.approx(20 * np.log10(level), abs=0.01)
    assert found.places_s[0] < 0.01
    assert len(found.places_s) == 3


@pytest.mark.parametrize("frequency_hz", [20.0, 50.0, 441.0, 997.0, 11_025.0])
@pytest.mark.parametrize("bits", [16, 24])
def test_round_tops_are_no_clipping(report: Report, frequency_hz: float, bits: int) -> None:
    found = report(both(sine(frequency_hz, 2, 0.99999)), bits=bits)
    assert found.clipping.runs == 0


def test_a_higher_peak_makes_lower_flat_tops_void(report: Report) -> None:
    samples = white(3, 0.05)
    samples[1000:1050] = 0.4
    samples[2 * RATE_HZ] = 0.8
    assert report(samples).clipping.runs == 0


def test_clipping_across_a_border_of_pieces_is_one_run(report: Report) -> None:
    samples = white(3, 0.05)
    for border in range(16_384, len(samples) - 40, 16_384):
        samples[border - 20 : border + 20, 0] = 0.95
    found = report(samples)
    assert found.clipping.runs == 3 * RATE_HZ // 16_384
    assert found.clipping.longest_samples == 40


def test_mono_in_two_channels_inverted_and_silent_channels_are_told_apart(report: Report) -> None:
    tone = white(4)[:, 0]
    assert codes(report(both(tone))) & {"dual_mono", "inverted_polarity"} == {"dual_mono"}
    inverted = report(np.stack([tone, -tone], axis=1))
    assert "inverted_polarity" in codes(inverted)
    assert inverted.stereo is not None
    assert inverted.stereo.correlation == pytest.approx(-1, abs=0.001)
    silent = report(np.stack([np.zeros_like(tone), tone], axis=1))
    (finding,) = [f for f in silent.findings if f.code == "silent_channel"]
    assert finding.values == {"channel": 1.0}


def test_the_place_where_phase_is_worst_is_found(report: Report) -> None:
    left = white(12)[:, 0]
    right = left.copy()
    right[5 * RATE_HZ : 8 * RATE_HZ] *= -1
    found = report(np.stack([left, right], axis=1))
    assert found.stereo is not None
    assert found.stereo.correlation == pytest.approx(0.5, abs=0.02)
    assert found.stereo.min_correlation == pytest.approx(-1, abs=0.02)
    (finding,) = [f for f in found.findings if f.code == "phase_problem"]
    assert finding.at_s == pytest.approx(5, abs=0.05)


def test_bits_in_use_are_counted(report: Report) -> None:
    samples = white(2)
    assert report(samples, bits=24).dynamics.effective_bits == 24
    assert report(samples).dynamics.effective_bits == 16
    coarse = np.round(samples * 32768) / 32768 * 8388608 / 8388607
    padded = report(coarse, bits=24)
    assert padded.dynamics.effective_bits == 16
    assert "padded_bits" in codes(padded)


def test_plr_and_psr_of_a_steady_sine_are_its_crest(report: Report) -> None:
    found = report(both(sine(997, 10, 0.5)))
    # A sine of 0 dBFS in both channels has 0 LUFS: peak and loudness are the same number.
    assert found.dynamics.plr_db == pytest.approx(0, abs=0.05)
    assert found.dynamics.min_psr_db == pytest.approx(0, abs=0.05)
    assert "hard_limited" in codes(found)


def test_what_no_service_turns_down_is_not_said_to_be_hard_limited(report: Report) -> None:
    found = report(both(sine(997, 4, 0.01)))
    assert found.dynamics.plr_db == pytest.approx(0, abs=0.05)
    assert "hard_limited" not in codes(found)


def test_noise_in_the_pauses_is_the_floor_and_music_without_pauses_has_none(
    report: Report,
) -> None:
    talk = white(20, 0.1)
    t = np.arange(len(talk)) / RATE_HZ
    talk[(t % 2) > 1] *= 0.0
    talk += white(20, 0.002, seed=2)
    found = report(talk)
    assert found.dynamics.noise_floor_dbfs == pytest.approx(-54, abs=0.5)
    assert "high_noise_floor" in codes(found)
    fading = white(20, 0.1) * np.linspace(1, 0, 20 * RATE_HZ)[:, None] ** 2
    assert report(fading).dynamics.noise_floor_dbfs is None
