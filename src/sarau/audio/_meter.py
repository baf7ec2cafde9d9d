"""Loudness and true peak of one stream of canonical frames."""

import math
from typing import Final

import numpy as np
from av.audio.frame import AudioFrame

from sarau.audio._foresight import Foresight
from sarau.audio._frames import Chain, planes
from sarau.audio._loudness import Loudmeter, Powers
from sarau.audio._types import LoudnessCurve
from sarau.model.loudness import Loudness

_OVERSAMPLED_HZ: Final = 176_400


class Meter:
    """Measures planar float frames.

    True peak is found on the signal oversampled four times at 44.1 and 48 kHz, as ITU-R
    BS.1770-5, annex 2, asks, and at least twice above.
    """

    def __init__(self, rate_hz: int, layout: str, *, peaks: bool = True) -> None:
        self._loudmeter = Loudmeter(rate_hz, layout)
        finer_hz = rate_hz * max(2, -(-_OVERSAMPLED_HZ // rate_hz))
        self._oversampler = (
            Chain(
                [("aresample", str(finer_hz))],
                rate_hz=rate_hz,
                sample_format="fltp",
                layout=layout,
            )
            if peaks
            else None
        )
        self._peak = 0.0

    def push(self, frame: AudioFrame | None) -> None:
        """Measure a frame; None at the end."""
        self._loudmeter.push(frame)
        if self._oversampler is not None:
            for out in self._oversampler.push(frame):
                self._note_peak(out)
        if frame is not None:
            self._note_peak(frame)

    def _note_peak(self, frame: AudioFrame) -> None:
        for plane in planes(frame):
            channel = np.frombuffer(memoryview(plane), np.float32, frame.samples)
            self._peak = max(self._peak, float(channel.max()), -float(channel.min()))

    def short_term_lufs(self) -> Powers:
        """Return the loudness of every window of 3 s, one every 20 ms."""
        return self._loudmeter.short_term_lufs()

    def losses_lu(self, foresight: Foresight) -> tuple[float, ...]:
        """Return what limiting would take from the loudness of everything that was pushed."""
        if self._peak <= 0:
            return ()
        return foresight.losses_lu(self._loudmeter, 20 * math.log10(self._peak))

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
            true_peak_dbtp=_rounded(20 * math.log10(self._peak) if self._peak > 0 else None),
        )


def _highest(levels: Powers) -> float | None:
    return _rounded(float(levels.max())) if len(levels) else None


def _rounded(value: float | None) -> float | None:
    """Keep what is meant: a thousandth of a unit, and nothing infinite."""
    return round(value, 3) if value is not None and math.isfinite(value) else None
