"""What a person is told of two files that are the same recording."""

from pathlib import Path

import pytest

from sarau.cli.likeness import Alike, alike_sentence
from sarau.model.fingerprint import Likeness


@pytest.mark.parametrize(
    ("offset_s", "language", "sentence"),
    [
        (0.1, "en", "Sounds like b.wav: 93\u00a0% the same over 142 s, at the same place."),
        (
            9.41,
            "en",
            "Sounds like b.wav: 93\u00a0% the same over 142 s, which come 9.41 s later there.",
        ),
        (
            -2,
            "en",
            "Sounds like b.wav: 93\u00a0% the same over 142 s, which come 2.00 s earlier there.",
        ),
        (0, "pt-BR", "Soa como b.wav: 93\u00a0% igual em 142 s, no mesmo ponto."),
        (9.41, "pt-BR", "Soa como b.wav: 93\u00a0% igual em 142 s, que lá vêm 9,41 s depois."),
        (-2, "pt-BR", "Soa como b.wav: 93\u00a0% igual em 142 s, que lá vêm 2,00 s antes."),
    ],
)
def test_the_sentence_says_how_like_they_are_and_where(
    offset_s: float, language: str, sentence: str
) -> None:
    alike = Alike(1, Path("b.wav"), Likeness(0.93, offset_s, 142.4))
    assert alike_sentence(alike, "b.wav", language) == sentence
