"""All collectors as one."""

from collections.abc import Callable
from typing import Final

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from sarau.audio._frames import to_samples
from sarau.audio._types import SourceInfo
from sarau.audio.insight._bandwidth import find_bandwidth
from sarau.audio.insight._bits import BitCounter
from sarau.audio.insight._clipping import ClippingFinder
from sarau.audio.insight._codec_traces import HIGHEST_HZ, find_codec
from sarau.audio.insight._cues import find_cues
from sarau.audio.insight._dynamics import find_dynamics
from sarau.audio.insight._excerpts import Excerpts
from sarau.audio.insight._fingerprint import Fingerprinter
from sarau.audio.insight._key import KeyFinder
from sarau.audio.insight._levels import Levels
from sarau.audio.insight._mono import Downmixer
from sarau.audio.insight._report import find_all
from sarau.audio.insight._spectrum import Spectrum
from sarau.audio.insight._tempo import TempoFinder
from sarau.audio.insight._types import CodecTrace, Insight
from sarau.model.loudness import Loudness

_EFFORT: Final = 0.4
"""Measured by `make bench`: what analysing takes with the quality report, less without."""


class Collector:
    """Is given all samples, and then says what they are like."""

    def __init__(self, rate_hz: int, layout: str, channels: int, bit_depth: int | None) -> None:
        """Prepare; `bit_depth` is that of a lossless source, None of a lossy one."""
        self._levels = Levels(rate_hz, channels)
        self._clipping = ClippingFinder(rate_hz, channels)
        self._bits = BitCounter(bit_depth)
        self._spectrum = Spectrum(rate_hz, channels)
        self._mixer = Downmixer(rate_hz)
        self._tempo = TempoFinder(self._mixer.rate_hz)
        self._key = KeyFinder(self._mixer.rate_hz)
        self._fingerprinter = Fingerprinter(rate_hz, layout)
        may_hide_a_codec = bit_depth is not None and rate_hz <= HIGHEST_HZ
        self._excerpts = Excerpts() if may_hide_a_codec else None

    @property
    def effort(self) -> float:
        """About how many CPU seconds a minute of music takes."""
        return _EFFORT

    def push(self, frame: AudioFrame | None) -> None:
        """Add a canonical frame; None at the end."""
        self._fingerprinter.push(frame)
        if frame is None:
            return
        samples = to_samples(frame)
        self._levels.push(samples)
        self._clipping.push(samples)
        self._bits.push(samples)
        self._spectrum.push(samples)
        if self._excerpts is not None:
            self._excerpts.push(samples)
        mono = self._mixer.push(samples)
        self._tempo.push(mono)
        self._key.push(mono)

    def result(
        self,
        source: SourceInfo,
        loudness: Loudness,
        short_term_lufs: NDArray[np.float64],
        worked: Callable[[], None],
    ) -> Insight:
        """Return the report; `short_term_lufs` are windows of 3 s, one every 20 ms.

        `worked` is called on the way.
        """
        self._levels.finish()
        self._spectrum.finish()
        insight = Insight(
            channels=self._levels.channels(),
            clipping=self._clipping.result(),
            stereo=self._levels.stereo(),
            bandwidth=find_bandwidth(self._spectrum.mean, self._spectrum.bin_hz),
            dynamics=find_dynamics(self._levels, short_term_lufs, loudness, self._bits.result()),
            cues=find_cues(self._levels, short_term_lufs, loudness.integrated_lufs),
            spectrogram=self._spectrum.picture(),
            tempo=self._tempo.result(),
            key=self._key.result(),
            fingerprint=self._fingerprinter.result(),
            codec_trace=self._codec_trace(worked),
        )
        return find_all(insight, source, loudness)

    def _codec_trace(self, worked: Callable[[], None]) -> CodecTrace | None:
        bits = self._bits.result()
        if self._excerpts is None or bits is None:
            return None
        return find_codec(self._excerpts.result(), bits, worked)
