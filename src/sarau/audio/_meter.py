"""Loudness and true peak of canonical frames, as EBU R 128 and ITU-R BS.1770-5 say.

Loudness is FFmpeg's `ebur128`. True peak is measured beside it, with the same
oversampling to 192 kHz, as the filter gives its own in three decimals of full scale,
which is a third of a decibel for a quiet file.
"""

import math
from array import array
from typing import Final

import numpy as np
from av.audio.frame import AudioFrame

from sarau.audio._frames import Chain
from sarau.model.loudness import Loudness

_OVERSAMPLED_HZ: Final = 192_000
_GATE_LUFS: Final = -70.0
_STEPS_PER_S: Final = 10
_MOMENTARY_STEPS: Final = 4
_SHORT_TERM_STEPS: Final = 30
_METADATA: Final = "lavfi.r128."

# BS.1770-5 weighs sound from the sides and not from behind; the filter weighs both. The
# rear channels of 7.1 are given the name of front ones, which have the weight 1.
_RELABELLED: Final = {
    "7.1": ("0|1|2|3|4|5|6|7", "7.1(wide-side)"),
}


class Meter:
    """Measures one stream of planar float frames."""

    def __init__(self, rate_hz: int, layout: str, *, peaks: bool = True) -> None:
        relabel = []
        if layout in _RELABELLED:
            mapping, as_layout = _RELABELLED[layout]
            relabel = [("channelmap", f"map={mapping}:channel_layout={as_layout}")]
        self._loudness = Chain(
            [*relabel, ("ebur128", "metadata=1:framelog=quiet")],
            rate_hz=rate_hz,
            sample_format="fltp",
            layout=layout,
        )
        self._oversampler = (
            Chain(
                [("aresample", str(_OVERSAMPLED_HZ))],
                rate_hz=rate_hz,
                sample_format="fltp",
                layout=layout,
            )
            if peaks and rate_hz < _OVERSAMPLED_HZ
            else None
        )
        self.momentary_lufs = array("f")
        """Every 100 ms."""
        self.short_term_lufs = array("f")
        self._integrated_lufs = -math.inf
        self._range_lu = 0.0
        self._peak = 0.0

    def push(self, frame: AudioFrame | None) -> None:
        """Measure a frame; None at the end."""
        for out in self._loudness.push(frame):
            self._read(out.metadata)
        if self._oversampler is not None:
            for out in self._oversampler.push(frame):
                self._note_peak(out)
        if frame is not None:
            self._note_peak(frame)

    def _read(self, metadata: dict[str, str]) -> None:
        momentary = metadata.get(_METADATA + "M")
        if momentary is None:
            return
        self.momentary_lufs.append(float(momentary))
        self.short_term_lufs.append(float(metadata[_METADATA + "S"]))
        self._integrated_lufs = float(metadata[_METADATA + "I"])
        self._range_lu = float(metadata[_METADATA + "LRA"])

    def _note_peak(self, frame: AudioFrame) -> None:
        for plane in frame.planes[: frame.layout.nb_channels]:
            channel = np.frombuffer(memoryview(plane), np.float32, frame.samples)
            self._peak = max(self._peak, float(channel.max()), -float(channel.min()))

    def result(self) -> Loudness:
        """Return the loudness of everything that was pushed."""
        steps = len(self.momentary_lufs)
        loud = steps >= _MOMENTARY_STEPS and self._integrated_lufs > _GATE_LUFS
        whole = loud and steps >= _SHORT_TERM_STEPS
        return Loudness(
            integrated_lufs=self._integrated_lufs if loud else None,
            range_lu=self._range_lu if whole else None,
            max_momentary_lufs=max(self.momentary_lufs) if loud else None,
            max_short_term_lufs=max(self.short_term_lufs) if whole else None,
            true_peak_dbtp=20 * math.log10(self._peak) if self._peak > 0 else None,
        )
