"""What of all that was measured a person should know."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from sarau.audio._types import SourceInfo
from sarau.audio.insight._types import Insight
from sarau.model.findings import Finding, FindingCode, Severity
from sarau.model.loudness import Loudness

_MANY_RUNS: Final = 20
_TRUE_PEAK_DBTP: Final = 0.0
_DC: Final = 0.002
_DC_BAD: Final = 0.02
_SILENT_BELOW_DB: Final = 60.0
_IMBALANCE_DB: Final = 3.0
_PHASE: Final = -0.3
_PHASE_BAD: Final = -0.7
_SURE: Final = 0.5
_VERY_SURE: Final = 0.8
_HIGH_RATE_HZ: Final = 48_000
_HALF_USED: Final = 0.6
_NOISE_DBFS: Final = -65.0
_NOISE_LU: Final = (20.0, 45.0)
_START_S: Final = 1.0
_END_S: Final = 5.0
_LIMITED_PLR_DB: Final = 7.5
_LOUD_LUFS: Final = -14.0
"""Where Spotify, YouTube and others normalise to: what is below is not turned down by them."""


def find_all(insight: Insight, source: SourceInfo, loudness: Loudness) -> Insight:
    """Return the report with its findings, the worst first."""
    found = [
        *_level_findings(insight, loudness),
        *_stereo_findings(insight),
        *_format_findings(insight, source),
        *_time_findings(insight, loudness),
    ]
    order = list(Severity)
    return replace(insight, findings=tuple(sorted(found, key=lambda f: order.index(f.severity))))


def _level_findings(insight: Insight, loudness: Loudness) -> Iterator[Finding]:
    clipping = insight.clipping
    if clipping.runs and clipping.level_dbfs is not None:
        yield Finding(
            FindingCode.CLIPPING,
            Severity.PROBLEM if clipping.runs >= _MANY_RUNS else Severity.WARNING,
            {
                "runs": float(clipping.runs),
                "level_dbfs": clipping.level_dbfs,
                "longest_samples": float(clipping.longest_samples),
            },
            clipping.places_s[0] if clipping.places_s else None,
        )
    if loudness.true_peak_dbtp is not None and loudness.true_peak_dbtp > _TRUE_PEAK_DBTP:
        values = {"true_peak_dbtp": loudness.true_peak_dbtp}
        yield Finding(FindingCode.TRUE_PEAK_OVER, Severity.WARNING, values)
    worst = max((abs(channel.dc_offset) for channel in insight.channels), default=0.0)
    if worst >= _DC:
        severity = Severity.PROBLEM if worst >= _DC_BAD else Severity.WARNING
        yield Finding(FindingCode.DC_OFFSET, severity, {"dc_percent": round(100 * worst, 2)})
    plr_db, programme = insight.dynamics.plr_db, loudness.integrated_lufs
    is_loud = programme is not None and programme > _LOUD_LUFS
    if is_loud and plr_db is not None and plr_db < _LIMITED_PLR_DB:
        yield Finding(FindingCode.HARD_LIMITED, Severity.NOTE, {"plr_db": plr_db})


def _stereo_findings(insight: Insight) -> Iterator[Finding]:
    yield from _silent_channels(insight)
    stereo = insight.stereo
    if stereo is None or stereo.correlation is None or stereo.balance_db is None:
        return
    if stereo.identical:
        yield Finding(FindingCode.DUAL_MONO, Severity.NOTE)
    elif stereo.inverted:
        yield Finding(FindingCode.INVERTED_POLARITY, Severity.PROBLEM)
    elif stereo.min_correlation is not None and stereo.min_correlation < _PHASE:
        bad = stereo.correlation < _PHASE or stereo.min_correlation < _PHASE_BAD
        yield Finding(
            FindingCode.PHASE_PROBLEM,
            Severity.PROBLEM if bad else Severity.WARNING,
            {"correlation": stereo.min_correlation},
            stereo.min_correlation_at_s,
        )
    if _IMBALANCE_DB <= abs(stereo.balance_db) < _SILENT_BELOW_DB:
        values = {"balance_db": abs(stereo.balance_db)}
        yield Finding(FindingCode.CHANNEL_IMBALANCE, Severity.WARNING, values)


def _silent_channels(insight: Insight) -> Iterator[Finding]:
    """Name channels with nothing in them beside others with sound."""
    heard = [one.rms_dbfs for one in insight.channels if one.rms_dbfs is not None]
    if not heard:
        return
    for number, channel in enumerate(insight.channels, start=1):
        if channel.rms_dbfs is None or channel.rms_dbfs < max(heard) - _SILENT_BELOW_DB:
            values = {"channel": float(number)}
            yield Finding(FindingCode.SILENT_CHANNEL, Severity.PROBLEM, values)


def _format_findings(insight: Insight, source: SourceInfo) -> Iterator[Finding]:
    band, bits = insight.bandwidth, insight.dynamics.effective_bits
    trace = insight.codec_trace
    if trace is not None:
        yield Finding(FindingCode.LOSSY_SOURCE, Severity.PROBLEM, words={"codec": trace.codec})
    elif source.lossless and band.cutoff_hz is not None and band.lossy_confidence >= _SURE:
        very_sure = band.lossy_confidence >= _VERY_SURE
        yield Finding(
            FindingCode.LOSSY_SOURCE,
            Severity.PROBLEM if very_sure else Severity.WARNING,
            {
                "cutoff_khz": round(band.cutoff_hz / 1000, 1),
                "confidence_percent": float(round(100 * band.lossy_confidence)),
            },
        )
    top_hz = source.sample_rate_hz / 2
    may_be_raised = source.lossless and band.lossy_confidence < _SURE and trace is None
    if (
        (source.sample_rate_hz > _HIGH_RATE_HZ or may_be_raised)
        and band.cutoff_hz is not None
        and band.cutoff_hz < top_hz * _HALF_USED
    ):
        values = {"top_khz": round(top_hz / 1000, 1), "cutoff_khz": round(band.cutoff_hz / 1000, 1)}
        yield Finding(FindingCode.EMPTY_BAND, Severity.NOTE, values)
    if bits is not None and source.bit_depth is not None and bits < source.bit_depth:
        values = {"bits": float(source.bit_depth), "effective_bits": float(bits)}
        yield Finding(FindingCode.PADDED_BITS, Severity.NOTE, values)


def _time_findings(insight: Insight, loudness: Loudness) -> Iterator[Finding]:
    cues, floor = insight.cues, insight.dynamics.noise_floor_dbfs
    programme = loudness.integrated_lufs
    if programme is None:
        return
    if cues.start_silence_s >= _START_S:
        values = {"length_s": round(cues.start_silence_s, 1)}
        yield Finding(FindingCode.SILENCE_AT_START, Severity.NOTE, values, 0.0)
    if cues.end_silence_s >= _END_S:
        values = {"length_s": round(cues.end_silence_s, 1)}
        yield Finding(FindingCode.SILENCE_AT_END, Severity.NOTE, values, cues.cue_out_s)
    if cues.gaps:
        longest = max(cues.gaps, key=lambda gap: gap.length_s)
        values = {"gaps": float(len(cues.gaps)), "length_s": longest.length_s}
        yield Finding(FindingCode.SILENT_GAP, Severity.WARNING, values, longest.start_s)
    if floor is not None and floor > _NOISE_DBFS:
        # Steady sound that is nearly as loud as all of it is the programme, not its noise.
        below = programme - floor
        if _NOISE_LU[0] < below < _NOISE_LU[1]:
            values = {"noise_floor_dbfs": floor, "below_lu": round(below, 1)}
            yield Finding(FindingCode.HIGH_NOISE_FLOOR, Severity.NOTE, values)
