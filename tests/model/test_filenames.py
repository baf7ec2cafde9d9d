"""Every rendition has a name that disks take, and its own."""

import os
from pathlib import PurePath

import pytest

from sarau.model.filenames import fitting_name


@pytest.mark.parametrize("stem", ["01 Ação", "n" * 244, "日" * 81, os.fsdecode(b"\xe9" * 244)])
def test_a_name_that_fits_stays(stem: str) -> None:
    assert fitting_name(PurePath(f"{stem}.wav"), ".sarau.json") == f"{stem}.sarau.json"


def test_the_suffix_decides_whether_a_name_fits() -> None:
    path = PurePath("n" * 245 + ".wav")
    assert fitting_name(path, ".flac") == f"{path.stem}.flac"
    assert len(fitting_name(path, ".sarau.json")) < 245


@pytest.mark.parametrize("letter", ["n", "é", "日", "🎵", os.fsdecode(b"\xe9")])
def test_a_long_name_is_cut_between_characters_and_stays_one_of_its_own(letter: str) -> None:
    longest = letter * (250 // len(os.fsencode(letter)))
    names = [PurePath(f"{longest[:-1]}{end}.wav") for end in (letter, "x")]
    first, second = (fitting_name(name, ".sarau.json") for name in names)
    assert first != second
    for name in (first, second):
        cut = name.removesuffix(".sarau.json")
        kept, _, mark = cut.partition("~")
        assert len(mark) == 8
        assert set(kept) == {letter}
        assert 180 < len(os.fsencode(cut)) <= 200
