"""EBU Tech 3341 and 3342: every numbered signal that can be synthesised, at every rate.

Signals 7 and 8 of 3341 and 5 and 6 of 3342 are recordings, which cannot. 20 to 23 of 3341
are given as files; what stands here in their place are band-limited bursts of the same
kind, which peak at exactly 0 dBTP a quarter of a sample further each time.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from tests.audio.tables import Tell

from sarau.audio._frames import to_frame
from sarau.audio._libraries import load_libraries
from sarau.audio._meter import Meter
from sarau.model.loudness import Loudness

load_libraries()

INTEGRATED, RANGE, PEAK = "integrated_lufs", "range_lu", "true_peak_dbtp"
MOMENTARY, SHORT_TERM = "max_momentary_lufs", "max_short_term_lufs"
TOLERANCES = {
    INTEGRATED: (0.1, 0.1),
    MOMENTARY: (0.1, 0.1),
    SHORT_TERM: (0.1, 0.1),
    RANGE: (1.0, 1.0),
    PEAK: (0.4, 0.2),
}
RATES = (44_100, 48_000, 96_000, 192_000)
SILENCE = -math.inf

Array = np.ndarray
Segment = tuple[float, float]
"""dBFS of a 1 kHz sine, and how many seconds it lasts."""


@dataclass(frozen=True)
class Signal:
    name: str
    layout: str
    make: Callable[[int], Array]
    """Takes a rate in Hz and returns (channels, samples)."""
    want: dict[str, float]


def wave(rate_hz: int, *segments: Segment) -> Array:
    """Return a sine through segments of whole hundredths of a second.

    A hundredth is ten waves and a whole number of samples at every rate: one is computed,
    the others are its copies.
    """
    samples = rate_hz // 100
    hundredth = np.sin(2 * np.pi * 1000 * np.arange(samples) / rate_hz)
    pieces = []
    for level, lasts_s in segments:
        times = round(100 * lasts_s)
        assert math.isclose(times, 100 * lasts_s)
        pieces.append(np.tile(np.float32(10 ** (level / 20) * hundredth), times))
    return np.concatenate(pieces)


def stereo(one: Array) -> Array:
    """Return two channels that share their memory."""
    return np.broadcast_to(one, (2, len(one)))


def peak(rate_hz: int, divisor: int, phase_deg: float, amplitude: float) -> Array:
    """Return a sine of rate / divisor, whose samples miss its peaks, faded in and out."""
    index = np.arange(2 * rate_hz)
    sine = amplitude * np.sin(2 * np.pi * index / divisor + math.radians(phase_deg))
    ends = np.minimum(1, np.minimum(index, index[::-1]) / (0.1 * rate_hz))
    return stereo(np.float32(sine * (0.5 - 0.5 * np.cos(np.pi * ends))))


def burst(rate_hz: int, quarter: int) -> Array:
    index = np.arange(rate_hz) - rate_hz // 2 + quarter / 4
    ends = np.arange(rate_hz)
    fade = np.minimum(1, np.minimum(ends, ends[::-1]) / (0.1 * rate_hz))
    envelope = 0.5 + 0.5 * np.exp(-0.5 * (index / 12) ** 2)
    return stereo(np.float32(envelope * np.cos(2 * np.pi * index / 6) * fade))


def tones(name: str, *segments: Segment, **want: float) -> Signal:
    return Signal(name, "stereo", lambda rate: stereo(wave(rate, *segments)), want)


def signals() -> Iterator[Signal]:
    yield from loudness_signals()
    yield from window_signals()
    yield from layout_signals()
    yield from peak_signals()


def loudness_signals() -> Iterator[Signal]:
    for number, level in {1: -23.0, 2: -33.0}.items():
        every = dict.fromkeys((INTEGRATED, MOMENTARY, SHORT_TERM), level)
        yield tones(f"3341-{number}", (level, 20), **every)
    inner = ((-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0))
    yield tones("3341-3", *inner, integrated_lufs=-23)
    yield tones("3341-4", (-72, 10), *inner, (-72, 10), integrated_lufs=-23)
    yield tones("3341-5", (-26, 20), (-20, 20.1), (-26, 20), integrated_lufs=-23)
    yield tones("3342-1", (-20, 20), (-30, 20), range_lu=10)
    yield tones("3342-2", (-20, 20), (-15, 20), range_lu=5)
    yield tones("3342-3", (-40, 20), (-20, 20), range_lu=20)
    steps = [(float(level), 20.0) for level in (-50, -35, -20, -35, -50)]
    yield tones("3342-4", *steps, range_lu=15)


def window_signals() -> Iterator[Signal]:
    yield tones("3341-9", *[(-20, 1.34), (-30, 1.66)] * 5, max_short_term_lufs=-23)
    yield tones("3341-12", *[(-20, 0.18), (-30, 0.22)] * 25, max_momentary_lufs=-23)
    for first, window_s, quantity in ((10, 3.0, SHORT_TERM), (13, 0.4, MOMENTARY)):
        growing: list[Segment] = []
        for k in range(20):
            before, after = (SILENCE, window_s * k / 20), (SILENCE, 1)
            alone = (before, (-23, window_s), after)
            yield tones(f"3341-{first}.{k + 1}", *alone, **{quantity: -23})
            growing += [before, (-38 + k, window_s), after]
        yield tones(f"3341-{first + 1}", *growing, **{quantity: -19})


def layout_signals() -> Iterator[Signal]:
    def one(name: str, layout: str, *levels: float, want: float = -23.0) -> Signal:
        def make(rate: int) -> Array:
            return np.stack([wave(rate, (level, 20)) for level in levels])

        return Signal(name, layout, make, {INTEGRATED: want})

    low, none = -24.0, [SILENCE] * 2
    yield one("3341-6 5.0", "5.0", -28, -28, -24, -30, -30)
    yield one("3341-6 5.1 loud LFE", "5.1", -28, -28, -24, -10, -30, -30)
    yield one("3341-6 5.1(side)", "5.1(side)", -28, -28, -24, -10, -30, -30)
    yield one("3341-6 7.1 sides", "7.1", -28, -28, -24, -10, *none, -30, -30)
    # BS.1770-5: what comes from behind (135 degrees and more) has the weight of the front.
    yield one("7.1 rear pair", "7.1", *none, *none, low, low, *none, want=low)
    yield one("mono", "mono", -23, want=-26)


def peak_signals() -> Iterator[Signal]:
    def one(number: int, make: Callable[[int], Array], want: float) -> Signal:
        return Signal(f"3341-{number}", "stereo", make, {PEAK: want})

    yield one(15, lambda rate: peak(rate, 4, 0, 0.5), -6.0)
    yield one(16, lambda rate: peak(rate, 4, 45, 0.5), -6.0)
    yield one(17, lambda rate: peak(rate, 6, 60, 0.5), -6.0)
    yield one(18, lambda rate: peak(rate, 8, 67.5, 0.5), -6.0)
    yield one(19, lambda rate: peak(rate, 4, 45, 1.41), 3.0)
    for quarter in range(4):
        yield one(20 + quarter, lambda rate, quarter=quarter: burst(rate, quarter), 0.0)


def measure(samples: Array, rate_hz: int, layout: str, *, peaks: bool) -> Loudness:
    meter = Meter(rate_hz, layout, peaks=peaks)
    step = 16_384
    for start in range(0, samples.shape[1], step):
        piece = samples[:, start : start + step]
        meter.push(to_frame(piece, rate_hz=rate_hz, layout=layout, pts=start))
    meter.push(None)
    return meter.result()


@pytest.mark.parametrize("rate_hz", RATES)
def test_all_signals_are_within_their_tolerance(rate_hz: int, tell: Tell) -> None:
    lines, failures = [f"{'signal':20} {'quantity':20} {'want':>7} {'found':>8} error"], []
    worst: dict[str, float] = {}
    for signal in signals():
        # Peaks of a loud sine are most of the work of measuring it, and loudness knows none.
        peaks = PEAK in signal.want
        found = measure(signal.make(rate_hz), rate_hz, signal.layout, peaks=peaks)
        for quantity, want in signal.want.items():
            measured = getattr(found, quantity)
            value = math.nan if measured is None else measured
            below, above = TOLERANCES[quantity]
            error = value - want
            fine = -below <= error <= above
            worst[quantity] = max(worst.get(quantity, 0.0), abs(error))
            mark = "" if fine else "  <-- outside"
            lines.append(
                f"{signal.name:20} {quantity:20} {want:7.2f} {value:8.3f} {error:+.3f}{mark}"
            )
            if not fine:
                failures.append(lines[-1])
    errors = ", ".join(f"{name} {error:.3f}" for name, error in worst.items())
    tell(f"EBU Tech 3341 and 3342 at {rate_hz} Hz", [*lines, f"worst: {errors}"])
    assert failures == []
    assert set(worst) == set(TOLERANCES)
