"""What a quality report says, in both languages."""

import string

import pytest

from sarau.model.findings import _SENTENCES, Finding, FindingCode, Severity, sentence


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("code", list(FindingCode))
def test_every_code_has_a_sentence_in_both_languages_with_the_same_figures(
    code: FindingCode,
) -> None:
    portuguese, english = _SENTENCES[code]
    assert portuguese != english
    assert names(portuguese) == names(english)


def test_figures_are_written_as_people_write_them() -> None:
    finding = Finding(FindingCode.HARD_LIMITED, Severity.NOTE, {"plr_db": 5.5})
    assert "5,5 dB" in sentence(finding, "pt-BR")
    assert "5.5 dB" in sentence(finding, "en")
    loud = Finding(FindingCode.TRUE_PEAK_OVER, Severity.WARNING, {"true_peak_dbtp": 2.0})
    assert "2 dBTP" in sentence(loud, "en")
    zero = Finding(FindingCode.TRUE_PEAK_OVER, Severity.WARNING, {"true_peak_dbtp": -0.001})
    assert "reaches 0 dBTP" in sentence(zero, "en")
