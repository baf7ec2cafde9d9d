"""EBU Tech 3341 and 3342: every numbered signal that can be synthesised, and its tolerance.

Signals 7 and 8 of 3341 and 5 and 6 of 3342 are recordings, which cannot. 20 to 23 of 3341
are given as files; what stands here in their place are band-limited bursts of the same
kind, which peak at exactly 0 dBTP a quarter of a sample further each time.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from tests.audio.tables import Tell

from sarau.audio._frames import to_frame
from sarau.audio._libraries import load_libraries
from sarau.audio._meter import Meter
from sarau.model.loudness import Loudness

load_libraries()

TOLERANCES = {
    "integrated_lufs": (0.1, 0.1),
    "max_momentary_lufs": (0.1, 0.1),
    "max_short_term_lufs": (0.1, 0.1),
    "range_lu": (1.0, 1.0),
    "true_peak_dbtp": (0.4, 0.2),
}
RATES = (44_100, 48_000, 96_000, 192_000)

Array = np.ndarray


@dataclass(frozen=True)
class Signal:
    name: str
    rate_hz: int
    layout: str
    make: Callable[[], Array]
    """Returns (channels, samples)."""
    want: dict[str, float] = field(default_factory=dict)


def tone(rate_hz: int, *segments: tuple[float, float], channels: int = 2) -> Array:
    """Return a 1 kHz sine through segments of (dBFS, seconds)."""
    levels = [np.full(round(lasts_s * rate_hz), 10 ** (level / 20)) for level, lasts_s in segments]
    envelope = np.concatenate(levels)
    wave = envelope * np.sin(2 * np.pi * 1000 * np.arange(len(envelope)) / rate_hz)
    return np.stack([wave] * channels)


def silence(rate_hz: int, lasts_s: float) -> Array:
    return np.zeros((2, round(lasts_s * rate_hz)))


def surround(*levels: float, rate_hz: int = 48_000, lasts_s: float = 20) -> Array:
    return np.concatenate([tone(rate_hz, (level, lasts_s), channels=1) for level in levels])


def peak(rate_hz: int, divisor: int, phase_deg: float, amplitude: float) -> Array:
    """Return a sine of rate / divisor, whose samples miss its peaks, faded in and out."""
    index = np.arange(2 * rate_hz)
    wave = amplitude * np.sin(2 * np.pi * index / divisor + math.radians(phase_deg))
    ends = np.minimum(1, np.minimum(index, index[::-1]) / (0.1 * rate_hz))
    return np.stack([wave * (0.5 - 0.5 * np.cos(np.pi * ends))] * 2)


def burst(rate_hz: int, quarter: int) -> Array:
    index = np.arange(rate_hz) - rate_hz // 2 + quarter / 4
    ends = np.arange(rate_hz)
    fade = np.minimum(1, np.minimum(ends, ends[::-1]) / (0.1 * rate_hz))
    envelope = 0.5 + 0.5 * np.exp(-0.5 * (index / 12) ** 2)
    return np.stack([envelope * np.cos(2 * np.pi * index / 6) * fade] * 2)


def signals() -> Iterator[Signal]:
    for rate in RATES:
        yield from loudness_signals(rate)
        yield from peak_signals(rate)
    yield from window_signals()
    yield from layout_signals()


def loudness_signals(rate: int) -> Iterator[Signal]:
    def one(name: str, segments: tuple[tuple[float, float], ...], **want: float) -> Signal:
        return Signal(f"{name} {rate}", rate, "stereo", lambda: tone(rate, *segments), want)

    level = {"integrated_lufs", "max_momentary_lufs", "max_short_term_lufs"}
    yield one("3341-1", ((-23, 20),), **dict.fromkeys(level, -23.0))
    yield one("3341-2", ((-33, 20),), **dict.fromkeys(level, -33.0))
    if rate > 96_000:
        return
    yield one("3341-3", ((-36, 10), (-23, 60), (-36, 10)), integrated_lufs=-23.0)
    steps = ((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10))
    yield one("3341-4", steps, integrated_lufs=-23.0)
    yield one("3341-5", ((-26, 20), (-20, 20.1), (-26, 20)), integrated_lufs=-23.0)
    yield one("3342-1", ((-20, 20), (-30, 20)), range_lu=10.0)
    yield one("3342-2", ((-20, 20), (-15, 20)), range_lu=5.0)
    yield one("3342-3", ((-40, 20), (-20, 20)), range_lu=20.0)
    steps = ((-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20))
    yield one("3342-4", steps, range_lu=15.0)


def window_signals() -> Iterator[Signal]:
    rate = 48_000

    def one(name: str, make: Callable[[], Array], **want: float) -> Signal:
        return Signal(name, rate, "stereo", make, want)

    yield one(
        "3341-9", lambda: tone(rate, *[(-20, 1.34), (-30, 1.66)] * 5), max_short_term_lufs=-23.0
    )
    yield one(
        "3341-12", lambda: tone(rate, *[(-20, 0.18), (-30, 0.22)] * 25), max_momentary_lufs=-23.0
    )
    for k in range(20):

        def short(k: int = k) -> Array:
            return np.concatenate(
                [silence(rate, 0.15 * k), tone(rate, (-23, 3)), silence(rate, 1)], 1
            )

        def momentary(k: int = k) -> Array:
            return np.concatenate(
                [silence(rate, 0.02 * k), tone(rate, (-23, 0.4)), silence(rate, 1)], 1
            )

        yield one(f"3341-10.{k + 1}", short, max_short_term_lufs=-23.0)
        yield one(f"3341-13.{k + 1}", momentary, max_momentary_lufs=-23.0)
    yield one("3341-11", lambda: growing(3.0), max_short_term_lufs=-19.0)
    yield one("3341-14", lambda: growing(0.4), max_momentary_lufs=-19.0)


def growing(lasts_s: float) -> Array:
    """Return 20 tones from -38 to -19 dBFS, each after a silence that grows."""
    parts = []
    for k in range(20):
        parts += [
            silence(48_000, lasts_s * k / 20),
            tone(48_000, (-38 + k, lasts_s)),
            silence(48_000, 1),
        ]
    return np.concatenate(parts, 1)


def layout_signals() -> Iterator[Signal]:
    def one(name: str, layout: str, make: Callable[[], Array], level: float = -23.0) -> Signal:
        return Signal(name, 48_000, layout, make, {"integrated_lufs": level})

    low = -24.0
    yield one("3341-6 5.0", "5.0", lambda: surround(-28, -28, -24, -30, -30))
    yield one("3341-6 5.1 loud LFE", "5.1", lambda: surround(-28, -28, -24, -10, -30, -30))
    yield one("3341-6 5.1(side)", "5.1(side)", lambda: surround(-28, -28, -24, -10, -30, -30))
    yield one("3341-6 7.1 sides", "7.1", lambda: surround(-28, -28, -24, -10, -200, -200, -30, -30))
    # BS.1770-5: what comes from behind (135 degrees and more) has the weight of the front.
    yield one("7.1 rear pair", "7.1", lambda: surround(*[-200] * 4, low, low, -200, -200), low)
    yield one("mono", "mono", lambda: tone(48_000, (-23, 20), channels=1), -26.0)
    # The same weights at other rates, in sounds that are just long enough.
    front, back = (-28, -28, -24, -10), (-30, -30)
    for rate in (44_100, 96_000):
        for layout, levels in {"5.1": (*front, *back), "7.1": (*front, -200, -200, *back)}.items():

            def short(rate: int = rate, levels: tuple[float, ...] = levels) -> Array:
                return surround(*levels, rate_hz=rate, lasts_s=1)

            name = f"3341-6 {layout} {rate}"
            yield Signal(name, rate, layout, short, {"integrated_lufs": -23.0})


def peak_signals(rate: int) -> Iterator[Signal]:
    def one(name: str, make: Callable[[], Array], want: float) -> Signal:
        return Signal(f"{name} {rate}", rate, "stereo", make, {"true_peak_dbtp": want})

    yield one("3341-15", lambda: peak(rate, 4, 0, 0.5), -6.0)
    yield one("3341-16", lambda: peak(rate, 4, 45, 0.5), -6.0)
    yield one("3341-17", lambda: peak(rate, 6, 60, 0.5), -6.0)
    yield one("3341-18", lambda: peak(rate, 8, 67.5, 0.5), -6.0)
    yield one("3341-19", lambda: peak(rate, 4, 45, 1.41), 3.0)
    for quarter in range(4):
        yield one(f"3341-{20 + quarter}", lambda quarter=quarter: burst(rate, quarter), 0.0)


def measure(samples: Array, rate_hz: int, layout: str) -> Loudness:
    meter = Meter(rate_hz, layout)
    step = 16_384
    for start in range(0, samples.shape[1], step):
        piece = samples[:, start : start + step].astype(np.float32)
        meter.push(to_frame(piece, rate_hz=rate_hz, layout=layout, pts=start))
    meter.push(None)
    return meter.result()


ALL = list(signals())


def test_all_signals_are_within_their_tolerance(tell: Tell) -> None:
    lines, failures = [f"{'signal':22} {'quantity':20} {'want':>7} {'found':>8} error"], []
    worst: dict[str, float] = {}
    for signal in ALL:
        found = measure(signal.make(), signal.rate_hz, signal.layout)
        for quantity, want in signal.want.items():
            value = getattr(found, quantity)
            below, above = TOLERANCES[quantity]
            error = value - want if value is not None else math.nan
            fine = -below <= error <= above
            worst[quantity] = max(worst.get(quantity, 0.0), abs(error))
            mark = "" if fine else "  <-- outside"
            lines.append(
                f"{signal.name:22} {quantity:20} {want:7.2f} {value:8.3f} {error:+.3f}{mark}"
            )
            if not fine:
                failures.append(lines[-1])
    errors = ", ".join(f"{name} {error:.3f}" for name, error in worst.items())
    tell("EBU Tech 3341 and 3342", [*lines, f"worst: {errors}"])
    assert failures == []
    assert set(worst) == set(TOLERANCES)
