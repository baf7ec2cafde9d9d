"""Loudness and true peak of one stream of canonical frames."""

import math
from collections.abc import Callable

from av.audio.frame import AudioFrame

from sarau.audio._foresight import Foresight
from sarau.audio._frames import Samples, to_samples
from sarau.audio._gating import Powers, pack
from sarau.audio._loudness import Loudmeter, channel_weights
from sarau.audio._true_peak import Stretches, interpolator, oversampling
from sarau.audio._types import LoudnessCurve
from sarau.model.loudness import Loudness


class Meter:
    """Measures planar float frames.

    True peak is found on the signal oversampled four times at 44.1 and 48 kHz, as ITU-R
    BS.1770-5, annex 2, asks, and at least twice above.
    """

    def __init__(self, rate_hz: int, layout: str, *, peaks: bool = True) -> None:
        self._loudmeter = Loudmeter(rate_hz, layout)
        self._stretches = Stretches(len(channel_weights(layout))) if peaks else None
        self._interpolator = interpolator(oversampling(rate_hz))
        self._peak = self._sample_peak = 0.0

    def push(self, frame: AudioFrame | None) -> None:
        """Measure a frame; None at the end."""
        self._loudmeter.push(frame)
        self._note_peak(to_samples(frame) if frame is not None else None)

    def _note_peak(self, samples: Samples | None) -> None:
        """Raise the peak where the next samples, or what is between them, pass it."""
        if self._stretches is None:
            return
        for stretch in self._stretches.push(samples):
            self._sample_peak = max(self._sample_peak, stretch.sample_peak)
            self._peak = max(self._peak, stretch.sample_peak)
            found = stretch.above(self._peak, self._interpolator)
            self._peak = max(self._peak, float(found.peaks.max(initial=0.0)))

    def sample_peak_dbfs(self) -> float | None:
        """Return the highest sample of everything that was pushed; None in silence."""
        return _decibels(self._sample_peak)

    def short_term_lufs(self) -> Powers:
        """Return the loudness of every window of 3 s, one every 20 ms."""
        return self._loudmeter.short_term_lufs()

    def losses_lu(self, foresight: Foresight, worked: Callable[[], None]) -> tuple[float, ...]:
        """Return what limiting would take from the loudness of everything that was pushed."""
        if self._peak <= 0:
            return ()
        return foresight.losses_lu(self._loudmeter, 20 * math.log10(self._peak), worked)

    def tenths(self) -> bytes:
        """Return the weighted power of every tenth of a second, packed."""
        return pack(self._loudmeter.tenths())

    def curve(self) -> LoudnessCurve:
        """Return the loudness over time of everything that was pushed."""
        return self._loudmeter.curve()

    def result(self) -> Loudness:
        """Return the loudness of everything that was pushed."""
        found = self._loudmeter
        integrated_lufs = found.integrated_lufs()
        loud = integrated_lufs is not None
        return Loudness(
            integrated_lufs=_rounded(integrated_lufs),
            range_lu=_rounded(found.range_lu() if loud else None),
            max_momentary_lufs=_highest(found.momentary_lufs()) if loud else None,
            max_short_term_lufs=_highest(found.short_term_lufs()) if loud else None,
            true_peak_dbtp=_decibels(self._peak),
        )


def _highest(levels: Powers) -> float | None:
    return _rounded(float(levels.max())) if len(levels) else None


def _decibels(peak: float) -> float | None:
    return _rounded(20 * math.log10(peak) if peak > 0 else None)


def _rounded(value: float | None) -> float | None:
    """Keep what is meant: a thousandth of a unit, and nothing infinite."""
    return round(value, 3) if value is not None and math.isfinite(value) else None
