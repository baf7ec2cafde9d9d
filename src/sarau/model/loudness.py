"""Loudness as EBU R 128 and ITU-R BS.1770-5 define it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Loudness:
    """The measured loudness of a whole file."""

    integrated_lufs: float | None
    """Programme loudness; None when nothing rises above the absolute gate or under 400 ms."""
    range_lu: float | None
    """Loudness range, EBU Tech 3342; None as above."""
    max_momentary_lufs: float | None
    """Maximum of the 400 ms windows."""
    max_short_term_lufs: float | None
    """Maximum of the 3 s windows."""
    true_peak_dbtp: float | None
    """Maximum true peak of all channels, oversampled; None for digital silence."""
