"""What a program is told of a file: the plain values behind `--json`.

It is the same whoever is at the terminal; its sentences are English.
"""

from typing import Any

from sarau.audio import Analysis, Rendition, to_plain
from sarau.errors import SarauError
from sarau.model.chromaprint import chromaprint_text
from sarau.model.findings import sentence
from sarau.model.messages import DEFAULT_LANGUAGE


def analysis_record(analysis: Analysis) -> dict[str, Any]:
    """Return what was measured; pictures are left out, they are not for a line of text."""
    plain: dict[str, Any] = to_plain(analysis)
    for name in ("waveform", "tenths", "stereo_tenths"):
        del plain[name]
    if analysis.insight is not None:
        del plain["insight"]["spectrogram"]
        found = analysis.insight.fingerprint
        plain["insight"]["fingerprint"] = chromaprint_text(found) if found else None
        for told, finding in zip(
            plain["insight"]["findings"], analysis.insight.findings, strict=True
        ):
            told["message"] = sentence(finding, DEFAULT_LANGUAGE)
    return plain


def rendition_record(rendition: Rendition) -> dict[str, Any]:
    """Return a rendition and its evidence."""
    plain: dict[str, Any] = to_plain(rendition)
    del plain["tenths"]
    return plain


def error_record(error: SarauError | None) -> dict[str, Any]:
    """Return why there is nothing else to tell."""
    if error is None:
        return {"code": None, "detail": None}
    return {"code": str(error.code), "detail": error.detail}
