"""The words and the looks of the report."""

import math
from typing import Final, Literal

from sarau.web.strings import strings

_NO_BREAK: Final = "\u00a0"
"""A space between a figure and its unit, which stay in one line."""
_WORDS: Final[dict[str, tuple[str, str]]] = {
    "title": ("Relatório de qualidade e loudness", "Quality and loudness report"),
    "file": ("Arquivo", "File"),
    "version": ("Versão", "Version"),
    "versions": ("Versões", "Versions"),
    "source": ("Original", "Source"),
    "integrated": ("Loudness, LUFS", "Loudness, LUFS"),
    "peak": ("Pico real, dBTP", "True peak, dBTP"),
    "range": ("Faixa de loudness, LU", "Range, LU"),
    "gain": ("Ganho, dB", "Gain, dB"),
    "target": ("Alvo, LUFS", "Target, LUFS"),
    "verdict": ("Resultado", "Result"),
    "album": ("álbum:", "album:"),
    "findings": ("Observações", "Findings"),
    "problem": ("problema", "problem"),
    "problems": ("problemas", "problems"),
    "warning": ("a conferir", "to check"),
    "warnings": ("a conferir", "to check"),
    "note": ("nota", "note"),
    "notes": ("notas", "notes"),
    "clean": ("Nada a reclamar.", "Nothing to complain about."),
    "tempo": ("Andamento", "Tempo"),
    "key": ("Tom", "Key"),
    "plr": ("Pico sobre loudness, dB", "Peak to loudness, dB"),
    "cue_in": ("Primeiro som", "First sound"),
    "outro": ("Fim do último trecho forte", "Last loud passage ends"),
    "cue_out": ("Último som", "Last sound"),
    "waveform": ("Forma de onda", "Waveform"),
    "curve": (
        "Loudness ao longo do tempo, de -60 a 0 LUFS: área 400 ms, linha 3 s, tracejado o programa",
        "Loudness over time, -60 to 0 LUFS: area 400 ms, line 3 s, dashed the programme",
    ),
    "spectrogram": ("Espectrograma, de 0 Hz a", "Spectrogram, from 0 Hz to"),
    "cutoff": ("tracejada a largura de banda,", "dashed the bandwidth,"),
    "container": ("Contêiner", "Container"),
    "codec": ("Codec", "Codec"),
    "rate": ("Taxa de amostragem", "Sample rate"),
    "depth": ("Profundidade", "Bit depth"),
    "channels": ("Canais", "Channels"),
    "length": ("Duração", "Duration"),
    "bitrate": ("Taxa de bits", "Bit rate"),
    "channel": ("Canal", "Channel"),
    "rms": ("RMS, dBFS", "RMS, dBFS"),
    "sample_peak": ("Pico de amostra, dBFS", "Sample peak, dBFS"),
    "dc": ("Nível DC, % da escala", "DC offset, % of full scale"),
    "correlation": ("Correlação", "Correlation"),
    "min_correlation": ("Menor correlação", "Lowest correlation"),
    "balance": ("Balanço E/D, dB", "Balance L/R, dB"),
    "noise": ("Ruído de fundo, dBFS", "Noise floor, dBFS"),
    "bandwidth": ("Largura de banda", "Bandwidth"),
    "crest": ("Fator de crista, dB", "Crest, dB"),
    "bits": ("Bits em uso", "Bits in use"),
    "preset": ("Preset", "Preset"),
    "ceiling": ("Teto, dBTP", "Ceiling, dBTP"),
    "tolerance": ("Tolerância, LU", "Tolerance, LU"),
    "tools": ("Ferramentas", "Tools"),
}

STYLE: Final = """
:root{--paper:#faf7f1;--ink:#26201d;--soft:#6d625b;--line:#dfd6ca;--bad:#a3262f;--warn:#805206;
--good:#3d6647}
@media(prefers-color-scheme:dark){:root{--paper:#17131a;--ink:#f1e9e0;--soft:#b3a69b;
--line:#3a333d;--bad:#ff8b86;--warn:#f5b942;--good:#8fce9b}}
*{box-sizing:border-box}body{display:flex;flex-direction:column;max-width:62rem;margin:0 auto;
padding:1.5rem;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
header{order:-1}h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;overflow-wrap:anywhere}
header p,dt,figcaption{color:var(--soft);font-size:.85rem}section{border-top:1px solid var(--line);
margin-top:1.5rem}.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;
font-variant-numeric:tabular-nums}th,td{padding:.35rem .7rem .35rem 0;text-align:left;
border-bottom:1px solid var(--line)}th{color:var(--soft);font-weight:500;font-size:.85rem}
.figure{text-align:right;padding-right:1.6rem;white-space:nowrap}
h2 small{color:var(--soft);font-size:1em;font-weight:400}
a{color:inherit}ul{list-style:none;padding:0}li{border-left:3px solid var(--line);
padding-left:.7rem;margin:.4rem 0}li.problem{border-color:var(--bad)}
li.warning{border-color:var(--warn)}
span.problem,p.problem,td.problem,.failed{color:var(--bad)}
span.warning,.ceiling_limited{color:var(--warn)}
.passed{color:var(--good)}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:.6rem 1rem}
dd{margin:0}figure{margin:1rem 0}
.plot{display:grid;grid-template-columns:2.4rem 1fr;color:var(--soft);font-size:.75rem;
line-height:1;font-variant-numeric:tabular-nums;margin-bottom:.35rem}
.plot svg,.plot img{display:block;width:100%;height:120px}.plot img{height:240px}
.picture,.heights,.times{position:relative}.times{height:1.3rem}
.unit{padding:.5rem .6rem 0 0;text-align:right}
.heights span,.times span,.plot i{position:absolute}
.heights span{right:.6rem;transform:translateY(50%)}
.heights span:first-of-type{transform:none}.heights span:nth-of-type(n+2)::after{content:"";
position:absolute;right:-.6rem;top:calc(50% - 1px);width:.4rem;border-top:1px solid}
.times span{top:.5rem;transform:translateX(-50%)}.times span:first-child{transform:none}
.times span::before{content:"";position:absolute;left:50%;bottom:100%;height:.3rem;
margin-bottom:.1rem;border-left:1px solid}.times span:first-child::before{left:0}
.marks{right:0;width:.2rem;top:0;bottom:0;background:repeating-linear-gradient(to top,
var(--soft) 0 1px,transparent 1px var(--apart))}
.end{left:0;right:0;border-top:1px dashed #fff;opacity:.75}
@media print{section{break-inside:avoid}}
"""


def words(language: str) -> dict[str, str]:
    """Return every word in `pt-BR` or English."""
    index = 0 if language == "pt-BR" else 1
    return {name: both[index] for name, both in _WORDS.items()}


def warning(code: str, language: str) -> str:
    """Return what a warning of the analysis says; its code where there is no sentence."""
    return strings(language).get(f"warning.{code}", code)


def verdict(code: str, language: str) -> str:
    """Return what the page calls a verdict."""
    return strings(language)[f"verdict.{code}"]


def percent(share: float) -> str:
    """Return a share (0 to 1) in whole percent, and never 100 before the end, as on the page."""
    whole = 100 if share >= 1 else min(99, max(0, math.floor(100 * share)))
    return f"{whole}{_NO_BREAK}%"


def figure(value: float | None, language: str, sign: Literal["", "+"] = "") -> str:
    """Return a figure as it is written in a language; a dash for none."""
    return "–" if value is None else written(f"{value:{sign}z.2f}", language)


def kilo(value: float | None, unit: str, language: str) -> str:
    """Return thousands of a unit, as in 44.1 kHz; a dash for none."""
    return "–" if value is None else written(f"{value / 1000:g}{_NO_BREAK}k{unit}", language)


def clock(at_s: float | None, language: str, *, tenths: bool = True) -> str:
    """Return a place in a file, in minutes and seconds; a dash for none."""
    if at_s is None:
        return "–"
    minutes, rest = divmod(round(10 * at_s), 600)
    seconds = f"{rest / 10:04.1f}" if tenths else f"{rest // 10:02}"
    return written(f"{minutes}:{seconds}", language)


def written(figures: str, language: str) -> str:
    """Return figures with the decimal sign of a language."""
    return figures.replace(".", ",") if language == "pt-BR" else figures
