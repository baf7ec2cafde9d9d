"""What every bad file gets, and that odd but good ones are taken."""

from pathlib import Path

import pytest
from tests.audio.hostile import CASES
from tests.audio.kitchen import Case, Kitchen

from sarau.audio import Engine
from sarau.errors import RejectedCode, RejectedError

_REJECTED = [case for case in CASES if isinstance(case.expected, RejectedCode)]
_TAKEN = [case for case in CASES if not isinstance(case.expected, RejectedCode)]


@pytest.mark.parametrize("case", _REJECTED, ids=lambda case: case.name)
def test_bad_file_is_rejected_with_its_code(
    case: Case, engine: Engine, kitchen: Kitchen, tmp_path: Path
) -> None:
    path = tmp_path / case.name
    case.make(kitchen, path)

    with pytest.raises(RejectedError) as caught:
        engine.analyse(path)

    assert caught.value.code is case.expected
    assert caught.value.detail


@pytest.mark.parametrize("case", _TAKEN, ids=lambda case: case.name)
def test_odd_file_is_taken(case: Case, engine: Engine, kitchen: Kitchen, tmp_path: Path) -> None:
    path = tmp_path / case.name
    case.make(kitchen, path)

    analysis = engine.analyse(path)

    assert analysis.source.samples > 0
    if case.expected:
        assert case.expected in analysis.warnings
    else:
        assert set(analysis.warnings) <= {"no_loudness"}


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(CASES) >= 90
    assert len({case.name for case in CASES}) == len(CASES)
    rejected_with = {case.expected for case in _REJECTED}
    assert rejected_with == set(RejectedCode) - {
        RejectedCode.DECODE_MEMORY,  # tests/audio/test_limits.py
        RejectedCode.DECODER_CRASHED,  # tests/audio/test_limits.py
        RejectedCode.INFECTED,  # the scanner says it: tests/pipeline/test_scan.py
    }
