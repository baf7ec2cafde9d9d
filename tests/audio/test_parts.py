"""The engine's parts by themselves: limiter, waveform, plans, plain values, page checksums."""

import json
import math
import struct
import threading
from dataclasses import dataclass, replace

import numpy as np
import pytest
from av.audio.frame import AudioFrame

from sarau.audio import GainPlan, Waveform, from_plain, to_plain
from sarau.audio._formats import output_bits, output_rate_hz
from sarau.audio._frames import extremes, to_frame, to_samples
from sarau.audio._lanes import Lanes
from sarau.audio._libraries import load_libraries
from sarau.audio._limiter import Limiter
from sarau.audio._loudness import channel_weights
from sarau.audio._meter import Meter
from sarau.audio._mp3 import parse_header
from sarau.audio._ogg import checksum
from sarau.audio._output_gain import with_output_gain
from sarau.audio._plan import (
    correct,
    judge_rendition,
    planned_room_dbtp,
    turned_down,
    within_ceiling,
)
from sarau.audio._types import LIMITER_MARGIN_DB, SourceInfo, Verdict
from sarau.audio._waveform import Peaks
from sarau.model.loudness import Loudness
from sarau.model.preset import PRESETS, Format, RenditionSpec

load_libraries()

STREAMING = PRESETS["streaming"]
RATE_HZ = 44_100


def loud(integrated: float | None, peak: float | None) -> Loudness:
    return Loudness(integrated, 5.0, integrated, integrated, peak)


def limit(samples: np.ndarray, ceiling_dbtp: float, step: int = 16_384) -> np.ndarray:
    limiter = Limiter(RATE_HZ, "stereo", ceiling_dbtp)
    out = []
    for start in range(0, samples.shape[1], step):
        frame = to_frame(
            samples[:, start : start + step], rate_hz=RATE_HZ, layout="stereo", pts=start
        )
        out += [to_samples(each) for each in limiter.push(frame)]
    out += [to_samples(each) for each in limiter.push(None)]
    return np.concatenate(out, axis=1)


def true_peak(samples: np.ndarray) -> float:
    meter = Meter(RATE_HZ, "stereo")
    meter.push(to_frame(samples, rate_hz=RATE_HZ, layout="stereo", pts=0))
    meter.push(None)
    found = meter.result().true_peak_dbtp
    assert found is not None
    return found


@pytest.fixture
def bursts() -> np.ndarray:
    rng = np.random.default_rng(2)
    quiet = rng.normal(0, 0.05, (2, 3 * RATE_HZ))
    for start in range(5_000, 3 * RATE_HZ - 400, 20_000):
        quiet[:, start : start + 200] += 0.8 * np.sin(2 * np.pi * np.arange(200) / 4.1 + 0.6)
    return quiet.astype(np.float32)


@pytest.mark.parametrize("ceiling_dbtp", [-1.0, -3.0, -6.0])
def test_limiter_holds_the_true_peak(bursts: np.ndarray, ceiling_dbtp: float) -> None:
    assert true_peak(bursts) > -1.0
    held = true_peak(limit(bursts, ceiling_dbtp))
    assert ceiling_dbtp - 0.5 < held <= ceiling_dbtp


def test_limiter_keeps_length_and_place(bursts: np.ndarray) -> None:
    out = limit(bursts, -6.0)
    assert out.shape == bursts.shape
    np.testing.assert_array_equal(out[:, :4_000], bursts[:, :4_000])


def test_limiter_does_not_touch_what_is_under_the_ceiling(bursts: np.ndarray) -> None:
    np.testing.assert_array_equal(limit(bursts * 0.1, -1.0), bursts * np.float32(0.1))


@pytest.mark.parametrize("step", [1, 100, 999, 50_000])
def test_limiter_does_not_care_how_it_is_fed(bursts: np.ndarray, step: int) -> None:
    some = bursts[:, : min(bursts.shape[1], step * 30 + 12_000)]
    np.testing.assert_allclose(limit(some, -6.0, step), limit(some, -6.0), atol=2e-6)


def test_limiter_never_works_more_than_the_peak_needs(bursts: np.ndarray) -> None:
    heard = np.abs(bursts) > 0.01
    reduction_db = 20 * np.log10(np.abs(bursts[heard]) / np.abs(limit(bursts, -3.0)[heard]))
    assert 0 < reduction_db.max() <= true_peak(bursts) + 3.0 + 0.2


def envelope(samples: np.ndarray, width: int) -> np.ndarray:
    low, high = samples.min(axis=0), samples.max(axis=0)
    starts = np.arange(0, samples.shape[1], width)
    pairs = np.stack([np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)], axis=1)
    return np.clip(np.rint(pairs * 127), -128, 127).astype(np.int8)


@pytest.mark.parametrize("count", [1, 255, 256, 257, 100_000, 5_000_000])
def test_waveform_is_the_envelope(count: int) -> None:
    samples = np.random.default_rng(3).uniform(-1, 1, (2, count)).astype(np.float32)
    peaks = Peaks(RATE_HZ)
    for start in range(0, count, 16_384):
        assert peaks.push(*extremes(samples[:, start : start + 16_384]))
    waveform = peaks.result()

    assert 0 < waveform.length <= 8192
    expected = envelope(samples, waveform.samples_per_pixel)
    np.testing.assert_array_equal(np.frombuffer(waveform.data, np.int8).reshape(-1, 2), expected)


def test_waveform_is_what_audiowaveform_writes() -> None:
    waveform = Waveform(RATE_HZ, 1, 256, 8, bytes([0x80, 0x7F, 0xFF, 0x01]))
    read = json.loads(waveform.to_json())
    assert read == {
        "version": 2, "channels": 1, "sample_rate": RATE_HZ, "samples_per_pixel": 256,
        "bits": 8, "length": 2, "data": [-128, 127, -1, 1],
    }  # fmt: skip
    head = struct.unpack("<iIiiIi", waveform.to_dat()[:24])
    assert head == (2, 1, RATE_HZ, 256, 2, 1)
    assert waveform.to_dat()[24:] == waveform.data


def test_waveform_notices_what_is_no_number() -> None:
    samples = np.zeros((2, 1000), np.float32)
    samples[1, 999] = np.nan
    assert not Peaks(RATE_HZ).push(*extremes(samples))


def test_plan_without_limiter() -> None:
    plan = within_ceiling(loud(-9, 0.5), STREAMING, gain_db=-5, room_dbtp=-2)
    assert plan == GainPlan(gain_db=-5, limiter_ceiling_dbtp=None, ceiling_limited=False)


def test_plan_with_limiter() -> None:
    plan = within_ceiling(loud(-18, -3), STREAMING, gain_db=3, room_dbtp=-2)
    assert plan == GainPlan(gain_db=3, limiter_ceiling_dbtp=-2, ceiling_limited=False)


def test_plan_stops_at_the_permitted_work() -> None:
    plan = within_ceiling(loud(-24, -3), STREAMING, gain_db=10, room_dbtp=-2)
    # -2 dBTP for lossy codecs, a margin of 0.1 dB, and 3 dB of work above that.
    assert plan == GainPlan(gain_db=3.9, limiter_ceiling_dbtp=-2, ceiling_limited=True)
    # Where there is more room, the gain is the same, and where a codec needs more, less.
    roomy = within_ceiling(loud(-24, -3), STREAMING, gain_db=10, room_dbtp=-1.05)
    assert roomy.gain_db == plan.gain_db
    tight = within_ceiling(loud(-24, -3), STREAMING, gain_db=10, room_dbtp=-2.5)
    assert tight.gain_db == 3.4


@pytest.mark.parametrize("peak_dbtp", [-6.123, -3.0])
@pytest.mark.parametrize("wanted_dbtp", [-3.0, -1.99, -1.04, -0.9, 0.85, 4.0])
def test_however_little_limiting_is_allowed_all_renditions_get_one_gain(
    peak_dbtp: float, wanted_dbtp: float
) -> None:
    gain_db = wanted_dbtp - peak_dbtp
    reached_dbtp = -99.0
    for allowed_db in (0.0, 0.05, 0.1, 0.11, 0.5, 1.0, 1.05, 3.0):
        preset = replace(STREAMING, max_limiting_db=allowed_db)
        rooms = {planned_room_dbtp(preset, spec) for spec in preset.renditions}
        assert rooms == {-2.0, -1.05}
        plans = {
            room: within_ceiling(loud(-24, peak_dbtp), preset, gain_db=gain_db, room_dbtp=room)
            for room in rooms
        }
        assert len({(plan.gain_db, plan.ceiling_limited) for plan in plans.values()}) == 1
        for room, plan in plans.items():
            after_dbtp = peak_dbtp + plan.gain_db
            assert plan.ceiling_limited == (after_dbtp < wanted_dbtp - 0.001)
            if plan.limiter_ceiling_dbtp is None:
                assert after_dbtp <= room + 0.001
            else:
                assert plan.limiter_ceiling_dbtp == room
                assert room < after_dbtp <= room - LIMITER_MARGIN_DB + allowed_db + 0.001
        assert after_dbtp >= reached_dbtp, "who allows more gets no less"
        reached_dbtp = after_dbtp
    assert reached_dbtp == pytest.approx(min(wanted_dbtp, 0.9), abs=0.001)


@pytest.mark.parametrize(
    ("limited", "integrated", "peak", "verdict"),
    [
        (False, -14.2, -1.5, Verdict.PASSED),
        (False, -14.4, -1.5, Verdict.FAILED),
        (True, -14.4, -1.5, Verdict.CEILING_LIMITED),
        (True, -13.6, -1.5, Verdict.FAILED),
        (False, -14.0, -0.99, Verdict.FAILED),
        (True, -15.0, -0.99, Verdict.FAILED),
        (True, -14.0, -1.0, Verdict.PASSED),
        (False, None, None, Verdict.FAILED),
    ],
)
def test_verdict_says_the_truth(
    *, limited: bool, integrated: float | None, peak: float | None, verdict: Verdict
) -> None:
    plan = GainPlan(gain_db=1.0, limiter_ceiling_dbtp=-2.0, ceiling_limited=limited)
    assert judge_rendition(plan, loud(integrated, peak), STREAMING) is verdict


def test_correction_of_loudness_and_of_peak() -> None:
    plan = GainPlan(gain_db=2.0, limiter_ceiling_dbtp=None, ceiling_limited=False)
    quiet = correct(plan, loud(-16.0, -8.0), loud(-14.5, -6.0), STREAMING)
    assert quiet == GainPlan(gain_db=2.5, limiter_ceiling_dbtp=None, ceiling_limited=False)
    over = correct(plan, loud(-16.0, -3.2), loud(-14.0, -0.5), STREAMING)
    assert over is not None
    assert over.limiter_ceiling_dbtp is not None
    assert over.limiter_ceiling_dbtp < -1.5
    assert correct(plan, loud(-16.0, -8.0), loud(-14.1, -6.0), STREAMING) is None


def test_a_codec_that_overshoots_gets_less_gain_where_the_limiter_may_not_do_more() -> None:
    plan, before = GainPlan(gain_db=3.9, limiter_ceiling_dbtp=-2.0, ceiling_limited=True), -3.0
    softer = correct(plan, loud(-24, before), loud(-20, -0.5), STREAMING)
    assert softer == GainPlan(gain_db=3.0, limiter_ceiling_dbtp=-2.9, ceiling_limited=True)


def test_a_correction_foresees_what_the_next_limiter_takes() -> None:
    plan = GainPlan(gain_db=2.0, limiter_ceiling_dbtp=-2.0, ceiling_limited=False)
    before, heard = loud(-16.0, -3.2), loud(-14.0, -0.5)
    blind = correct(plan, before, heard, STREAMING)
    seeing = correct(plan, before, heard, STREAMING, loss_lu=lambda work_db: work_db / 10)
    assert blind is not None
    assert seeing is not None
    assert seeing.limiter_ceiling_dbtp == blind.limiter_ceiling_dbtp == -2.9
    assert seeing.gain_db == pytest.approx(blind.gain_db + 0.09)


OPUS, MP3 = RenditionSpec("opus", Format.OPUS), RenditionSpec("mp3", Format.MP3)


@pytest.mark.parametrize(
    ("spec", "integrated", "peak", "output_gain_db"),
    [
        (OPUS, -14.0, -0.9, -27 / 256),
        (OPUS, -14.1, -0.9, -27 / 256),
        (OPUS, -14.25, -0.9, None),
        (OPUS, -14.0, -0.5, None),
        (OPUS, -14.0, -1.0, None),
        (OPUS, None, None, None),
        (MP3, -14.0, -0.9, None),
    ],
)
def test_only_a_peak_over_by_a_hair_is_turned_down(
    spec: RenditionSpec,
    integrated: float | None,
    peak: float | None,
    output_gain_db: float | None,
) -> None:
    plan = GainPlan(gain_db=1.0, limiter_ceiling_dbtp=-2.0, ceiling_limited=False)
    better = turned_down(plan, spec, loud(integrated, peak), STREAMING)
    if output_gain_db is None:
        assert better is None
    else:
        assert better == replace(plan, output_gain_db=output_gain_db)
        # Once only: what is still off after it is encoded again.
        assert turned_down(better, spec, loud(integrated, peak), STREAMING) is None


def test_only_a_header_of_opus_takes_a_gain() -> None:
    with pytest.raises(ValueError, match="no header of Opus"):
        with_output_gain(b"OggS".ljust(26, b"\0") + b"\x01\x08OpusTags", -1.0)


@dataclass(frozen=True)
class Inner:
    number: float
    word: str = "default"


@dataclass(frozen=True)
class Outer:
    inner: Inner | None
    many: tuple[Inner, ...]
    named: dict[str, str]
    data: bytes
    kind: Verdict


def test_plain_values_go_and_come_back() -> None:
    outer = Outer(Inner(1.5), (Inner(2), Inner(3, "x")), {"a": "b"}, b"\0\xff", Verdict.PASSED)
    assert from_plain(Outer, json.loads(json.dumps(to_plain(outer)))) == outer


@pytest.mark.parametrize(
    "wrong",
    [
        None, 5, "x", [], {}, {"number": "1"}, {"number": True}, {"number": None},
        {"number": 1, "word": 2}, {"number": 1, "other": 2}, {"number": []},
    ],
)  # fmt: skip
def test_plain_values_of_another_shape_are_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="Inner"):
        from_plain(Inner, wrong)


def test_missing_plain_values_take_their_defaults() -> None:
    assert from_plain(Inner, {"number": 1}) == Inner(1.0, "default")


def test_ogg_checksum_is_that_of_the_reference_implementation() -> None:
    def slow(page: bytes) -> int:
        register = 0
        for byte in page:
            register ^= byte << 24
            for _ in range(8):
                register = (register << 1 ^ (0x04C11DB7 if register >> 31 else 0)) & 0xFFFFFFFF
        return register

    for page in (b"", b"\0", b"OggS" + bytes(range(256))):
        assert checksum(page) == slow(page)


@pytest.mark.parametrize(
    ("header", "size", "samples", "rate_hz"),
    [
        ("fffb9064", 417, 1152, 44_100),
        ("fffb92c4", 418, 1152, 44_100),
        ("fffbe46c", 960, 1152, 48_000),
        ("fff380c4", 208, 576, 22_050),
        ("ffe310c4", 52, 576, 11_025),
        ("fffd9004", 522, 1152, 44_100),
    ],
)
def test_mpeg_headers(header: str, size: int, samples: int, rate_hz: int) -> None:
    frame = parse_header(int(header, 16) & 0xFFFFC0)
    assert frame is not None
    assert (frame.size_bytes, frame.samples, frame.sample_rate_hz) == (size, samples, rate_hz)


@pytest.mark.parametrize("header", ["fffbf0c4", "fff990c4", "fffb9cc4", "ffeb90c4", "00000000"])
def test_what_is_no_mpeg_header(header: str) -> None:
    assert parse_header(int(header, 16) & 0xFFFFC0) is None


@pytest.mark.parametrize(
    ("layout", "weights"),
    [
        ("mono", [1]),
        ("stereo", [1, 1]),
        ("5.0", [1, 1, 1, 1.41, 1.41]),
        ("5.1", [1, 1, 1, 0, 1.41, 1.41]),
        ("5.1(side)", [1, 1, 1, 0, 1.41, 1.41]),
        ("7.1", [1, 1, 1, 0, 1, 1, 1.41, 1.41]),
        ("6.1", [1, 1, 1, 0, 1, 1.41, 1.41]),
    ],
)
def test_channel_weights_of_bs1770(layout: str, weights: list[float]) -> None:
    assert channel_weights(layout) == weights


def source(rate_hz: int, bits: int | None, *, lossless: bool = True) -> SourceInfo:
    return SourceInfo("wav", "pcm", rate_hz, 2, "stereo", bits, None, 1, 1.0, lossless)


@pytest.mark.parametrize(
    ("rate_hz", "mp3_hz", "opus_hz"),
    [
        (8_000, 8_000, 48_000), (22_050, 22_050, 48_000), (44_100, 44_100, 48_000),
        (88_200, 44_100, 48_000), (96_000, 48_000, 48_000), (37_800, 44_100, 48_000),
        (352_800, 44_100, 48_000), (4_000, 8_000, 48_000),
    ],
)  # fmt: skip
def test_rates_of_renditions(rate_hz: int, mp3_hz: int, opus_hz: int) -> None:
    info = source(rate_hz, 16)
    assert output_rate_hz(RenditionSpec("m", Format.MP3), info) == mp3_hz
    assert output_rate_hz(RenditionSpec("o", Format.OPUS), info) == opus_hz
    assert output_rate_hz(RenditionSpec("f", Format.FLAC), info) == rate_hz


def test_bits_of_lossless_renditions() -> None:
    spec = RenditionSpec("f", Format.FLAC)
    found = [output_bits(spec, source(44_100, bits)) for bits in (8, 16, 20, 24, 32)]
    assert found == [16, 16, 24, 24, 24]
    assert output_bits(spec, source(44_100, None, lossless=False)) == 16
    asked = RenditionSpec("f", Format.FLAC, bit_depth=16)
    assert output_bits(asked, source(44_100, 24)) == 16
    with pytest.raises(ValueError, match="bit depth"):
        RenditionSpec("f", Format.FLAC, bit_depth=20)


class Recorder:
    """Takes frames, and tells in which order and in which thread."""

    def __init__(self, effort: float) -> None:
        self.effort = effort
        self.taken: list[int | None] = []
        self.threads: set[int] = set()

    def push(self, frame: AudioFrame | None) -> None:
        self.taken.append(frame.pts if frame is not None else None)
        self.threads.add(threading.get_ident())


@pytest.mark.parametrize("cores", [1, 2, 3, 8])
def test_lanes_keep_the_order_and_use_no_more_threads_than_cores(cores: int) -> None:
    recorders = [Recorder(effort) for effort in (0.06, 0.44, 0.36, 0.36)]
    lanes = Lanes(recorders, cores)
    for at in [*range(50), None]:
        for recorder in recorders:
            lanes.push(recorder, silence(at) if at is not None else None)
    lanes.finish()
    assert all(each.taken == [*range(50), None] for each in recorders)
    threads = set.union(*(each.threads for each in recorders))
    assert len(threads) == min(cores, len(recorders))
    if cores == 1:
        assert threads == {threading.get_ident()}
    if cores == 2:
        # The most laborious one shares its thread with the lightest.
        assert recorders[0].threads == recorders[1].threads != recorders[2].threads


@pytest.mark.parametrize("cores", [1, 2])
def test_an_error_in_a_lane_comes_out(cores: int) -> None:
    class Broken(Recorder):
        def push(self, frame: AudioFrame | None) -> None:
            if frame is not None:
                raise OSError(28, "full")

    broken, other = Broken(1.0), Recorder(1.0)
    lanes = Lanes([broken, other], cores)

    def feed() -> None:
        for _ in range(50):
            lanes.push(broken, silence(0))
            lanes.push(other, silence(0))
        lanes.push(broken, None)
        lanes.finish()

    with pytest.raises(OSError, match="full"):
        feed()


def silence(pts: int) -> AudioFrame:
    return to_frame(np.zeros((2, 10), np.float32), rate_hz=RATE_HZ, layout="stereo", pts=pts)


def test_digital_silence_has_no_peak_and_no_loudness() -> None:
    meter = Meter(RATE_HZ, "stereo")
    meter.push(
        to_frame(np.zeros((2, RATE_HZ), np.float32), rate_hz=RATE_HZ, layout="stereo", pts=0)
    )
    meter.push(None)
    assert meter.result() == Loudness(None, None, None, None, None)


def test_a_quiet_peak_is_measured_as_exactly_as_a_loud_one() -> None:
    wave = np.sin(2 * np.pi * 997 * np.arange(RATE_HZ) / RATE_HZ)
    quiet = (np.stack([wave, wave]) * 10 ** (-60 / 20)).astype(np.float32)
    assert math.isclose(true_peak(quiet), -60, abs_tol=0.01)
