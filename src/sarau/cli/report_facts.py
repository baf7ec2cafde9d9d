"""What the report tells of a source and of how it was worked on."""

import html
from collections.abc import Mapping, Sequence

from sarau.audio import Insight, Rendition, SourceInfo
from sarau.cli.report_text import clock, figure, kilo, percent, warning, words
from sarau.model.preset import Preset
from sarau.web.strings import strings


def source_facts(source: SourceInfo, language: str) -> str:
    """Return what the file is."""
    rate_bps = source.bitrate_bps
    facts = {
        "container": source.container,
        "codec": source.codec,
        "rate": kilo(source.sample_rate_hz, "Hz", language),
        "depth": f"{source.bit_depth} bits" if source.bit_depth else "–",
        "bitrate": kilo(rate_bps and round(rate_bps, -3), "bit/s", language),
        "channels": f"{source.channels} ({source.channel_layout})",
        "length": clock(source.duration_s, language),
    }
    return _listed(facts, language)


def warnings(codes: Sequence[str], language: str) -> str:
    """Return what the analysis warns of."""
    lines = "".join(
        f'<li class="warning">{html.escape(warning(code, language))}</li>' for code in codes
    )
    return f"<ul>{lines}</ul>" if lines else ""


def insight_facts(insight: Insight, language: str) -> str:
    """Return what was understood of the sound, and of each channel."""
    cues, dynamics, stereo = insight.cues, insight.dynamics, insight.stereo
    facts = {
        "tempo": _tempo(insight, language),
        "key": _key(insight, language),
        "crest": figure(dynamics.crest_db, language),
        "plr": figure(dynamics.plr_db, language),
        "noise": figure(dynamics.noise_floor_dbfs, language),
        "bits": str(dynamics.effective_bits or "–"),
        "bandwidth": bandwidth(insight, language),
    }
    if stereo is not None:
        facts["correlation"] = figure(stereo.correlation, language)
        facts["min_correlation"] = figure(stereo.min_correlation, language)
        facts["balance"] = figure(stereo.balance_db, language, "+")
    facts |= {
        "cue_in": clock(cues.cue_in_s, language),
        "outro": clock(cues.outro_start_s, language),
        "cue_out": clock(cues.cue_out_s, language),
    }
    return _listed(facts, language) + _channels(insight, language)


def bandwidth(insight: Insight, language: str) -> str:
    """Return up to where there is sound; a dash for silence."""
    cutoff_hz = insight.bandwidth.cutoff_hz
    return kilo(cutoff_hz and round(cutoff_hz, -2), "Hz", language)


def preset_facts(preset: Preset, language: str) -> str:
    """Return what every file of the report was held to."""
    facts = {
        "preset": preset.name,
        "target": figure(preset.target_lufs, language),
        "ceiling": figure(preset.ceiling_dbtp, language),
        "tolerance": figure(preset.tolerance_lu, language),
    }
    return _listed(facts, language)


def tools(renditions: Sequence[Rendition], language: str) -> str:
    """Return with what the renditions were made and measured."""
    versions: dict[str, str] = {}
    for one in renditions:
        versions |= one.evidence.tools
    text = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    return f"<p><small>{words(language)['tools']}: {html.escape(text)}</small></p>" if text else ""


def _tempo(insight: Insight, language: str) -> str:
    tempo = insight.tempo
    if tempo is None:
        return "–"
    said = strings(language)["insight.bpm"]
    return said.format(bpm=f"{tempo.bpm:.0f}", sure=percent(tempo.confidence))


def _key(insight: Insight, language: str) -> str:
    key = insight.key
    if key is None:
        return "–"
    said = strings(language)
    name = f"{key.tonic} {said[f'mode.{key.mode}']}"
    return said["insight.keyName"].format(name=name, sure=percent(key.confidence))


def _channels(insight: Insight, language: str) -> str:
    said = words(language)
    heads = "".join(
        f'<th class="figure">{said[name]}</th>' for name in ("rms", "sample_peak", "dc")
    )
    rows = "".join(
        f"<tr><td>{number}</td>"
        + "".join(
            f'<td class="figure">{figure(value, language)}</td>'
            for value in (one.rms_dbfs, one.peak_dbfs, 100 * one.dc_offset)
        )
        + "</tr>"
        for number, one in enumerate(insight.channels, 1)
    )
    return (
        f'<div class="wide"><table><thead><tr><th>{said["channel"]}</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _listed(facts: Mapping[str, str], language: str) -> str:
    said = words(language)
    cells = "".join(
        f"<div><dt>{said[name]}</dt><dd>{html.escape(text)}</dd></div>"
        for name, text in facts.items()
    )
    return f"<dl>{cells}</dl>"
