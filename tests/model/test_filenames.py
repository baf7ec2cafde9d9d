"""Every rendition has a name that disks take, and its own."""

import os
from pathlib import PurePath

import pytest

from sarau.model.filenames import short_stem


@pytest.mark.parametrize("stem", ["01 Ação", "n" * 200, "日" * 66, os.fsdecode(b"\xe9" * 200)])
def test_a_name_that_fits_stays(stem: str) -> None:
    assert short_stem(PurePath(f"{stem}.wav")) == stem


@pytest.mark.parametrize("letter", ["n", "é", "日", "🎵", os.fsdecode(b"\xe9")])
def test_a_long_name_is_cut_between_characters_and_stays_one_of_its_own(letter: str) -> None:
    longest = letter * (250 // len(os.fsencode(letter)))
    first, second = (short_stem(PurePath(f"{longest[:-1]}{end}.wav")) for end in (letter, "x"))
    assert first != second
    for cut in (first, second):
        kept, _, mark = cut.partition("~")
        assert len(mark) == 8
        assert set(kept) == {letter}
        assert 180 < len(os.fsencode(cut)) <= 200
