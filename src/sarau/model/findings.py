"""What a quality report says to people: stable codes, a severity, a sentence a language.

A sentence says what it means and what to do. `{...}` are the finding's own figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """How much a finding matters, the worst first."""

    PROBLEM = "problem"
    """Audible, or will be refused by those who get it."""
    WARNING = "warning"
    """Worth a look before it goes out."""
    NOTE = "note"
    """Good to know."""


class FindingCode(StrEnum):
    """Everything a quality report can find."""

    CLIPPING = "clipping"
    TRUE_PEAK_OVER = "true_peak_over"
    DC_OFFSET = "dc_offset"
    SILENT_CHANNEL = "silent_channel"
    DUAL_MONO = "dual_mono"
    INVERTED_POLARITY = "inverted_polarity"
    PHASE_PROBLEM = "phase_problem"
    CHANNEL_IMBALANCE = "channel_imbalance"
    LOSSY_SOURCE = "lossy_source"
    EMPTY_BAND = "empty_band"
    PADDED_BITS = "padded_bits"
    HIGH_NOISE_FLOOR = "high_noise_floor"
    SILENCE_AT_START = "silence_at_start"
    SILENCE_AT_END = "silence_at_end"
    SILENT_GAP = "silent_gap"
    HARD_LIMITED = "hard_limited"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found, with its figures."""

    code: FindingCode
    severity: Severity
    values: dict[str, float] = field(default_factory=dict)
    """Figures of the sentence, by their names there."""
    at_s: float | None = None
    """Where to listen."""
    words: dict[str, str] = field(default_factory=dict)
    """Names in the sentence, which are the same in every language."""


_SENTENCES: Final[dict[FindingCode, tuple[str, str]]] = {
    FindingCode.CLIPPING: (
        "Distorção por clipping: {runs} picos cortados em {level_dbfs} dBFS, o maior com {longest_samples} amostras. Refaça a exportação com menos nível; baixar o volume depois não conserta.",
        "Clipping: {runs} flattened peaks at {level_dbfs} dBFS, the longest of {longest_samples} samples. Export again at a lower level; turning it down afterwards does not mend it.",
    ),
    FindingCode.TRUE_PEAK_OVER: (
        "O pico real chega a {true_peak_dbtp} dBTP: conversores e codecs vão distorcer. Limite o master a -1 dBTP.",
        "The true peak reaches {true_peak_dbtp} dBTP: converters and codecs will distort. Limit the master to -1 dBTP.",
    ),
    FindingCode.DC_OFFSET: (
        "O som está deslocado do zero ({dc_percent} % da escala): perde-se headroom e os cortes estalam. Passe um filtro passa-altas em 5 Hz.",
        "The sound sits off zero ({dc_percent} % of full scale): headroom is lost and edits click. Apply a high-pass filter at 5 Hz.",
    ),
    FindingCode.SILENT_CHANNEL: (
        "O canal {channel} está mudo. Confira os cabos, o pan e a exportação.",
        "Channel {channel} is silent. Check cables, panning and the export.",
    ),
    FindingCode.DUAL_MONO: (
        "Os dois canais são iguais: é mono gravado como estéreo. Se era para ser estéreo, confira a mixagem.",
        "Both channels are the same: this is mono stored as stereo. If it was meant to be stereo, check the mix.",
    ),
    FindingCode.INVERTED_POLARITY: (
        "Um canal está com a polaridade invertida: em mono o som desaparece. Inverta a fase de um dos canais.",
        "One channel has its polarity inverted: in mono the sound disappears. Flip the phase of one channel.",
    ),
    FindingCode.PHASE_PROBLEM: (
        "A correlação de fase cai a {correlation}: em mono (celular, rádio, caixa única) partes do som se anulam. Confira alargadores de estéreo e microfones.",
        "Phase correlation falls to {correlation}: in mono (phones, radio, a single speaker) parts of the sound cancel. Check stereo wideners and microphones.",
    ),
    FindingCode.CHANNEL_IMBALANCE: (
        "Um lado é {balance_db} dB mais forte que o outro. Se não é intenção, corrija o balanço.",
        "One side is {balance_db} dB louder than the other. Unless it is meant, correct the balance.",
    ),
    FindingCode.LOSSY_SOURCE: (
        "O arquivo é sem perdas, mas o espectro acaba em {cutoff_khz} kHz como o de um MP3 ou AAC (certeza de {confidence_percent} %). Peça o master original.",
        "The file is lossless, but its spectrum ends at {cutoff_khz} kHz like that of an MP3 or AAC ({confidence_percent} % sure). Ask for the original master.",
    ),
    FindingCode.EMPTY_BAND: (
        "O formato vai até {top_khz} kHz, mas acima de {cutoff_khz} kHz não há nada: parece convertido de uma taxa menor. O original ocupa menos e soa igual.",
        "The format reaches {top_khz} kHz, but above {cutoff_khz} kHz there is nothing: it looks converted from a lower rate. The original is smaller and sounds the same.",
    ),
    FindingCode.PADDED_BITS: (
        "O arquivo tem {bits} bits, mas só {effective_bits} são usados. Se existe um master com mais resolução, envie-o.",
        "The file has {bits} bits but only {effective_bits} are used. If there is a master of higher resolution, send it.",
    ),
    FindingCode.HIGH_NOISE_FLOOR: (
        "O ruído de fundo é alto: {noise_floor_dbfs} dBFS, {below_lu} LU abaixo do programa. Confira a gravação ou aplique redução de ruído.",
        "The noise floor is high: {noise_floor_dbfs} dBFS, {below_lu} LU below the programme. Check the recording or reduce the noise.",
    ),
    FindingCode.SILENCE_AT_START: (
        "Há {length_s} s de silêncio no início. Corte, se não é intenção.",
        "There are {length_s} s of silence at the start. Trim it unless it is meant.",
    ),
    FindingCode.SILENCE_AT_END: (
        "Há {length_s} s de silêncio no final. Corte, se não é intenção.",
        "There are {length_s} s of silence at the end. Trim it unless it is meant.",
    ),
    FindingCode.SILENT_GAP: (
        "Há {gaps} silêncio(s) no meio, o maior de {length_s} s. Confira se falta um trecho ou se há uma faixa escondida.",
        "There are {gaps} silence(s) in the middle, the longest of {length_s} s. Check for a missing part or a hidden track.",
    ),
    FindingCode.HARD_LIMITED: (
        "O master está muito comprimido: {plr_db} dB entre pico e loudness. Os serviços vão baixá-lo, e o impacto não volta; um master mais aberto soa mais alto lá.",
        "The master is heavily limited: {plr_db} dB between peak and loudness. Services will turn it down, and the punch does not come back; a more open master sounds louder there.",
    ),
}
_OF_A_CODEC: Final = (
    "O arquivo é sem perdas, mas o som já foi {codec}: os blocos do codec ainda estão nele. Peça o master original.",
    "The file is lossless, but the sound was {codec} before: the codec's blocks are still in it. Ask for the original master.",
)
"""Of a lossy source that is told by its blocks, not by where its spectrum ends."""


def sentence(finding: Finding, language: str) -> str:
    """Return what a finding means and what to do about it, in `pt-BR` or English."""
    portuguese, english = _OF_A_CODEC if "codec" in finding.words else _SENTENCES[finding.code]
    is_portuguese = language == "pt-BR"
    figures = _figures(finding.values, comma=is_portuguese)
    return (portuguese if is_portuguese else english).format(**figures, **finding.words)


def _figures(values: Mapping[str, float], *, comma: bool) -> dict[str, str]:
    """Return figures as people write them: no more decimals than mean something."""
    texts = {}
    for name, value in values.items():
        text = f"{value:.2f}".rstrip("0").rstrip(".") or "0"
        text = "0" if text == "-0" else text
        texts[name] = text.replace(".", ",") if comma else text
    return texts
