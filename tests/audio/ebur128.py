"""Debian's libebur128, the meter that most free programs use, through ctypes."""

import ctypes
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

_MOMENTARY: Final = 1
_ABSOLUTE_GATE_LUFS: Final = -70.0
_RANGE_GATE_LU: Final = 20.0
_MODE: Final = 2 | 4 | 16 | 32 | _MOMENTARY
"""Short-term, integrated, sample and true peak."""


@dataclass(frozen=True)
class Heard:
    integrated_lufs: float
    true_peak_dbtp: float
    momentary_lufs: np.ndarray
    """After every 100 ms."""
    short_term_lufs: np.ndarray

    def range_lu(self) -> float:
        """Return the loudness range (EBU Tech 3342) of the short-term values.

        The library's own takes one value per second, which on short sounds is up to 2 LU
        away from the range of ten per second, as ours is.
        """
        levels = self.short_term_lufs[29:]
        levels = levels[levels > _ABSOLUTE_GATE_LUFS]
        gate = 10 * np.log10(np.mean(10 ** (levels / 10))) - _RANGE_GATE_LU
        low, high = np.percentile(levels[levels >= gate], (10, 95))
        return float(high - low)


def measure(samples: np.ndarray, rate_hz: int) -> Heard:
    """Measure (samples, channels)."""
    library = _library()
    channels = samples.shape[1]
    state = ctypes.c_void_p(library.ebur128_init(channels, rate_hz, _MODE))
    assert state.value
    step = rate_hz // 10
    momentary, short_term = [], []
    data = np.ascontiguousarray(samples, np.float32)
    for start in range(0, len(data), step):
        piece = data[start : start + step]
        pointer = piece.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        assert library.ebur128_add_frames_float(state, pointer, ctypes.c_size_t(len(piece))) == 0
        if len(piece) == step:
            momentary.append(_ask(library.ebur128_loudness_momentary, state))
            short_term.append(_ask(library.ebur128_loudness_shortterm, state))
    peaks = [
        _ask(library.ebur128_true_peak, state, ctypes.c_uint(each)) for each in range(channels)
    ]
    heard = Heard(
        _ask(library.ebur128_loudness_global, state),
        float(20 * np.log10(max(peaks))),
        np.array(momentary),
        np.array(short_term),
    )
    library.ebur128_destroy(ctypes.byref(state))
    return heard


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL("libebur128.so.1")
    library.ebur128_init.restype = ctypes.c_void_p
    library.ebur128_init.argtypes = (ctypes.c_uint, ctypes.c_ulong, ctypes.c_int)
    return library


def _ask(function: Any, state: ctypes.c_void_p, *arguments: object) -> float:
    value = ctypes.c_double()
    assert function(state, *arguments, ctypes.byref(value)) == 0
    return value.value
