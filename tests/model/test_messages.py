import itertools

import pytest

from sarau.errors import Code, FailedCode, RefusedCode, RejectedCode
from sarau.model.messages import _MESSAGES, choose_language, message

CODES: list[Code] = list(itertools.chain(RejectedCode, FailedCode, RefusedCode))


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_sentence_in_each_language(code: Code) -> None:
    portuguese, english = message(code, "pt-BR"), message(code, "en")
    assert portuguese.endswith(".")
    assert english.endswith(".")
    assert portuguese != english


def test_no_sentence_is_kept_for_a_code_that_is_gone() -> None:
    assert set(_MESSAGES) == {str(code) for code in CODES}


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("pt-BR,pt;q=0.9,en-US;q=0.8", "pt-BR"),
        ("pt", "pt-BR"),
        ("fr-FR,pt;q=0.5,en;q=0.4", "pt-BR"),
        ("en;q=0.4,pt-PT;q=0.5", "pt-BR"),
        ("en-GB,pt;q=0.9", "en"),
        ("de,*;q=0.5", "en"),
        ("pt;q=oops,en", "en"),
    ],
)
def test_the_browser_chooses_the_language(header: str | None, language: str) -> None:
    assert choose_language(header) == language
