"""The spectrum: over time for a picture, and on the whole for where it ends."""

from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

from sarau.audio._frames import Samples
from sarau.audio.insight._types import Spectrogram

_SIZE_AT_48K: Final = 4096
_ROWS: Final = 160
_COLUMNS: Final = 640
_LOWEST_DB: Final = -110.0
_HIGHEST_DB: Final = -14.0
_SHADES: Final = 48
# From night to light, in the page's own colours.
_COLOURS: Final = ((12, 10, 24), (58, 24, 96), (170, 44, 98), (240, 120, 50), (255, 226, 150))

Power = NDArray[np.float32]


class Spectrum:
    """Windowed transforms one after the other, without overlap; power of all channels."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self.rate_hz = rate_hz
        octaves = round(np.log2(rate_hz / 48_000))
        self._size = max(512, int(_SIZE_AT_48K * 2.0**octaves))
        window = np.hanning(self._size + 1)[:-1]
        # A full-scale sine in one channel of mono is 0 dB in its bin.
        self._window = (window * (2 / window.sum())).astype(np.float32)
        self._rest: Samples = np.zeros((channels, 0), np.float32)
        self.total = np.zeros(self._size // 2 + 1)
        self._windows = 0
        self._picture: Power = np.zeros((2 * _COLUMNS, _ROWS), np.float32)
        self._columns = 0
        self._merged = 1
        self._open: Power = np.zeros((0, _ROWS), np.float32)

    @property
    def bin_hz(self) -> float:
        """The distance of two bins."""
        return self.rate_hz / self._size

    @property
    def mean(self) -> NDArray[np.float64]:
        """Return the mean power of each bin; a full-scale sine is 1."""
        return self.total / max(1, self._windows)

    def push(self, samples: Samples) -> None:
        """Add (channels, samples)."""
        held = np.concatenate([self._rest, samples], axis=1)
        whole = held.shape[1] // self._size
        if whole:
            self._add(held[:, : whole * self._size].reshape(len(held), whole, self._size))
        self._rest = held[:, whole * self._size :]

    def finish(self) -> None:
        """Take in a sound that is shorter than one window; a mere tail is left out."""
        if not self._windows and self._rest.shape[1]:
            missing = self._size - self._rest.shape[1]
            self._add(np.pad(self._rest, ((0, 0), (0, missing)))[:, None, :])

    def _add(self, blocks: Samples) -> None:
        power = np.zeros((blocks.shape[1], self._size // 2 + 1), np.float32)
        for channel in blocks:
            bins = np.fft.rfft(channel * self._window)
            power += bins.real**2 + bins.imag**2
        power /= len(blocks)
        self.total += power.sum(axis=0, dtype=np.float64)
        self._windows += len(power)
        edges = np.linspace(0, power.shape[1] - 1, _ROWS + 1).astype(int)[:-1]
        widths = np.diff(np.append(edges, power.shape[1]))
        self._draw((np.add.reduceat(power, edges, axis=1) / widths).astype(np.float32))

    def _draw(self, columns: Power) -> None:
        held = np.concatenate([self._open, columns])
        while len(held) >= self._merged:
            if self._columns == len(self._picture):
                self._picture[:_COLUMNS] = self._picture.reshape(_COLUMNS, 2, _ROWS).mean(axis=1)
                self._columns = _COLUMNS
                self._merged *= 2
                continue
            whole = min(len(held) // self._merged, len(self._picture) - self._columns)
            means = held[: whole * self._merged].reshape(whole, self._merged, _ROWS).mean(axis=1)
            self._picture[self._columns : self._columns + whole] = means
            self._columns += whole
            held = held[whole * self._merged :]
        self._open = held

    def picture(self) -> Spectrogram:
        """Return the spectrogram; at most 640 columns, whatever the length."""
        if len(self._open) and self._columns < len(self._picture):
            self._picture[self._columns] = self._open.mean(axis=0)
            self._columns += 1
        columns = self._picture[: self._columns]
        if self._columns > _COLUMNS:
            even = columns[: self._columns // 2 * 2]
            columns = even.reshape(-1, 2, _ROWS).mean(axis=1)
        level_db = 10 * np.log10(np.maximum(columns, 1e-12))
        share = (level_db - _LOWEST_DB) / (_HIGHEST_DB - _LOWEST_DB)
        shades = (np.clip(share, 0, 1) * (_SHADES - 1)).round().astype(np.uint8)
        upright = np.ascontiguousarray(shades.T[::-1])
        drawn = upright if upright.size else np.zeros((_ROWS, 1), np.uint8)
        return Spectrogram(png=_png(drawn, _palette()), top_hz=self.rate_hz / 2)


def _png(shades: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """Return a picture of shades, each a row of the palette, by the encoder that is here."""
    indexed: Any = (shades, palette)  # what the stub of `from_ndarray` leaves out
    frame = av.VideoFrame.from_ndarray(indexed, format="pal8")
    encoder = av.VideoCodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "pal8"
    encoder.thread_count = 1
    encoder.time_base = encoder.sample_aspect_ratio = Fraction(1)
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


def _palette() -> NDArray[np.uint8]:
    """Return 256 colours: opacity, red, green, blue. The first of them are in use."""
    at = np.linspace(0, len(_COLOURS) - 1, _SHADES)
    colours = np.array(_COLOURS, float)
    channels = [np.interp(at, np.arange(len(_COLOURS)), colours[:, index]) for index in range(3)]
    palette = np.zeros((256, 4), np.uint8)
    palette[:, 0] = 255
    palette[:_SHADES, 1:] = np.stack(channels, axis=1).round()
    return palette
