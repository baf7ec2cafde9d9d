"""What a program is told of a file: the plain values behind `--json`."""

from typing import Any

from sarau.audio import Analysis, to_plain
from sarau.errors import SarauError


def analysis_record(analysis: Analysis) -> dict[str, Any]:
    """Return what was measured; the waveform is for pictures, not for a line of text."""
    plain: dict[str, Any] = to_plain(analysis)
    del plain["waveform"]
    return plain


def error_record(error: SarauError | None) -> dict[str, Any]:
    """Return why there is nothing else to tell."""
    if error is None:
        return {"code": None, "detail": None}
    return {"code": str(error.code), "detail": error.detail}
